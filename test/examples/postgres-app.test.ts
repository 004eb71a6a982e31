import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import pg from 'pg';
import { handed } from '../harness/environment.js';
import { connects } from '../issuers/postgres-subject.js';
import { openWalk, type Walk } from './walk.js';

const ownUrl = handed('ROTOR_TEST_DATABASE_OWNER_URL');
const own = `orders_${randomBytes(4).toString('hex')}`;
const secrets = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
let walk: Walk;

beforeAll(async () => {
  const adminUrlFile = join(secrets, 'admin-url');
  writeFileSync(adminUrlFile, ownUrl, { mode: 0o600 });
  walk = await openWalk('postgres-app', {
    substitutions: {
      '/etc/rotor/orders-admin-url': adminUrlFile,
      '/var/log/postgresql/postgresql.log': handed('ROTOR_TEST_POSTGRES_LOG'),
      'ownerRole: orders': `ownerRole: ${own}`,
      'database: orders': `database: ${own}`,
    },
  });
});
afterAll(async () => {
  await walk.close();
  const admin = new pg.Client({ connectionString: ownUrl });
  await admin.connect();
  await admin.query(`drop database if exists ${own} with (force)`);
  const { rows } = await admin.query<{ name: string }>(
    `select rolname as name from pg_roles where rolname like '${own}%' order by length(rolname) desc`,
  );
  for (const { name } of rows) await admin.query(`drop role ${name}`);
  await admin.end();
  rmSync(secrets, { recursive: true });
});

const held = (): string =>
  parse(readFileSync(join(walk.folder, 'app.env'), 'utf8'))['DATABASE_URL'] ?? '';

test('the example of a PostgreSQL login behind a pool: what its README says is what happens', async () => {
  expect(await walk.until('rotor who-uses')).toMatch(/orders-app/);
  const old = held();
  const shown = await walk.until('rotor rotate');
  expect(shown).toMatch(/succeeded/);
  expect(shown).toMatch(/✓ orders-app +v2 observed/);
  const report = await walk.until('rotor report', { RUN: await walk.lastRun() });
  expect(report).toMatch(/v1 \| revoked .*1 session ended/);
  expect([await connects(old, 'test'), await connects(held(), 'test')]).toEqual([false, true]);
  expect(await walk.until()).toMatch(/04:00/);
  const [said = ''] = await walk.stop();
  expect(said).toMatch(/\d{2,} orders, 0 refused, 2 pools, listened 2 times$/);
});
