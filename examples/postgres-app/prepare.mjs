/** What somebody did years ago: a database, a role that owns the tables, one login for the app, its URL in the app's file. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { parse } from 'yaml';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const issuer = parse(read('rotor.yaml')).issuers['orders-database'];
const { ownerRole, database } = parse(read('declarations.yaml')).secrets[0].specification;
const adminUrl = new URL(readFileSync(issuer.adminUrlFile, 'utf8').trim());
const login = `${ownerRole}_app`;
const password = randomBytes(18).toString('base64url');

async function asAdmin(url, work) {
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await work(client).finally(() => client.end());
}

await asAdmin(adminUrl, async (admin) => {
  const found = await admin.query('select from pg_database where datname = $1', [database]);
  if (found.rowCount === 0) await admin.query(`create database ${database}`);
  await admin.query(`create role ${ownerRole} nologin`);
  await admin.query(`create role ${login} login password '${password}' in role ${ownerRole}`);
  await admin.query(`alter role ${login} set role ${ownerRole}`);
});

const url = new URL(`/${database}`, adminUrl);
await asAdmin(url, (admin) =>
  admin.query(`create table orders (placed timestamptz default now());
    alter table orders owner to ${ownerRole}`),
);
Object.assign(url, { username: login, password });
const line = `DATABASE_URL=${url.href}\n`;
writeFileSync(new URL('app.env', import.meta.url), line, { mode: 0o600, flag: 'wx' });
