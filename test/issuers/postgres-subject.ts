/** The issuer `postgres` on the server of the test run, as the contract wants it, with a database of its own. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { postgres } from '../../issuers/postgres/index.js';
import type { PreparedIssuer } from '../contracts/hold-to-issuer.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { handed } from '../harness/environment.js';
import { contextOf } from './context.js';

export interface PreparedPostgres extends PreparedIssuer {
  readonly ownerRole: string;
  readonly database: TestDatabase;
}

export type Recorded = 'log' | 'trigger' | 'sessions';

/** A server's administrator, an owner role with a table, and programs that log in. */
export async function prepare(recorded: Recorded): Promise<PreparedPostgres> {
  const database = await openDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'rotor-postgres-'));
  const adminUrlFile = join(folder, 'admin-url');
  writeFileSync(adminUrlFile, database.ownerUrl, { mode: 0o600 });
  const ownerRole = `own_${randomBytes(4).toString('hex')}`;
  const name = new URL(database.ownerUrl).pathname.slice(1);
  await database.ownerPool.query(
    `create role ${ownerRole} nologin; grant create on schema public to ${ownerRole}`,
  );
  const installation = randomUUID();
  const record = {
    log: { connectionLogFile: handed('ROTOR_TEST_POSTGRES_LOG') },
    trigger: { loginTrigger: true },
    sessions: {},
  }[recorded];
  const issuer = postgres.open({ adminUrlFile, ...record }, contextOf(installation));
  const specification = { ownerRole, database: name };
  return {
    issuer,
    installation,
    ownerRole,
    database,
    secret: { secretId: randomUUID(), name: 'acme/database', specification },
    use: (value, userAgent) => connects(value, userAgent),
    plant: async () => {
      const role = `${ownerRole}_planted`;
      await database.ownerPool.query(
        `create role ${role} login in role ${ownerRole}; comment on role ${role} is '${randomUUID()}/${randomUUID()}'`,
      );
      return role;
    },
    close: async () => {
      const { rows } = await database.ownerPool.query<{ name: string }>(
        `select rolname as name from pg_roles where rolname like $1`,
        [`${ownerRole}%`],
      );
      await database.ownerPool.query(
        `drop owned by ${rows.map((row) => row.name).join(', ')} cascade`,
      );
      for (const { name: role } of rows) await database.ownerPool.query(`drop role ${role}`);
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function connects(url: string, application: string): Promise<boolean> {
  const client = await session(url, application).catch(() => undefined);
  await client?.end();
  return client !== undefined;
}

export async function session(url: string, application: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: application });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
