import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import pg from 'pg';
import { handed } from '../harness/environment.js';
import {
  eventually,
  openInstallation,
  type Installation,
  type Row,
} from '../faults/installation.js';

let installation: Installation;
const ownerRole = `orders_${randomBytes(4).toString('hex')}`;
let database: string;

beforeAll(async () => {
  installation = await openInstallation((ownerUrl, folder) => {
    const adminUrlFile = join(folder, 'admin-url');
    writeFileSync(adminUrlFile, ownerUrl, { mode: 0o600 });
    const connectionLogFile = handed('ROTOR_TEST_POSTGRES_LOG');
    return { orders: { kind: 'postgres', adminUrlFile, connectionLogFile } };
  });
  const { ownerPool, ownerUrl } = installation.database;
  database = new URL(ownerUrl).pathname.slice(1);
  await ownerPool.query(`create role ${ownerRole} nologin`);
  installation.start('api');
  installation.start('worker');
  await installation.ready();
});
afterAll(async () => {
  await installation.database.ownerPool.query(
    `do $$ declare r text; begin for r in select rolname from pg_roles where rolname like '${ownerRole}%' order by length(rolname) desc
     loop execute format('drop owned by %I; drop role %I', r, r); end loop; end $$`,
  );
  await installation.close();
});

test('a database login rotates: provisioned, moved, its old sessions ended, the old role gone', async () => {
  const file = join(installation.folder, 'orders.env');
  writeFileSync(file, 'DATABASE_URL=\n');
  await installation.apply({
    organization: 'acme',
    policies: [
      {
        name: 'db',
        overlap: '0',
        quietPeriod: '200ms',
        disablePeriod: '0',
        openUse: { wait: '300ms', then: 'end' },
        timeouts: { prove: '20s' },
      },
    ],
    dependents: [{ name: 'orders', owner: 'team' }],
    secrets: [
      {
        name: 'orders-db',
        issuer: 'orders',
        owner: 'team',
        policy: 'db',
        specification: { ownerRole, database },
        dependencies: [
          {
            dependent: 'orders',
            connector: 'dotenv',
            destination: { file, variable: 'DATABASE_URL' },
            seenAs: { name: 'orders' },
            picksUpWithin: '1s',
          },
        ],
      },
    ],
  });
  let using = true;
  let connected = 0;
  const refused: string[] = [];
  const program = (async () => {
    while (using) {
      const url = parse(readFileSync(file, 'utf8'))['DATABASE_URL'] ?? '';
      if (url !== '') {
        const client = new pg.Client({ connectionString: url, application_name: 'orders' });
        client.on('error', () => undefined);
        try {
          await client.connect();
          connected += 1;
        } catch (error) {
          refused.push(String(error));
        } finally {
          await client.end().catch(() => undefined);
        }
      }
      await pause(60);
    }
  })();
  const rotate = async (): Promise<void> => {
    const path = '/v1/secrets/acme/orders-db/runs';
    const { runId } = await installation.api.post<{ runId: string }>(path, {
      kind: 'rotate',
      reason: 'test',
    });
    const look = async () => (await installation.api.get<{ run: Row }>(`/v1/runs/${runId}`)).run;
    await eventually(async () => (await look())['state'] === 'ended');
    expect(await look()).toMatchObject({ outcome: 'succeeded' });
  };
  await rotate();
  const firstUrl = parse(readFileSync(file, 'utf8'))['DATABASE_URL'] ?? '';
  const pooled = new pg.Client({ connectionString: firstUrl, application_name: 'orders' });
  let ended = false;
  pooled.on('error', () => (ended = true));
  pooled.on('end', () => (ended = true));
  await pooled.connect();
  await rotate();
  using = false;
  await program;
  expect(connected).toBeGreaterThan(3);
  expect(refused).toEqual([]);
  await eventually(() => Promise.resolve(ended));
  const { versions } = await installation.api.get<{ versions: Row[] }>(
    '/v1/secrets/acme/orders-db',
  );
  expect(versions).toMatchObject([
    { version: 'v1', state: 'revoked', outlived: '1 session ended' },
    { version: 'v2', state: 'active', current: true },
  ]);
  const gone = new pg.Client({ connectionString: firstUrl });
  gone.on('error', () => undefined);
  await expect(gone.connect()).rejects.toThrow();
});
