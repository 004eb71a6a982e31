import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type pg from 'pg';
import { beginJournal } from '../../infra/direct/journal.js';
import { openAudit } from '../../infra/registry/audit.js';
import { reconciler } from '../../workers/direct/reconcile.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;
let stateFolder: string;

beforeEach(async () => {
  database = await openDatabase();
  stateFolder = mkdtempSync(join(tmpdir(), 'rotor-reconcile-'));
});
afterEach(async () => {
  rmSync(stateFolder, { recursive: true });
  await database.close();
});

test('what keeps a secret from being asked for is told once, and again when it is something else', async () => {
  const journals = { stateFolder, key: Buffer.alloc(32, 1) };
  const about = { organization: 'acme', secret: 'shop', reason: 'leaked', by: 'jo', account: 'jo' };
  beginJournal(journals, { ...about, containmentId: randomUUID(), secretId: randomUUID() }).note({
    line: 'ended',
  });
  let fault: string | undefined;
  const warned: unknown[] = [];
  const look = reconciler({
    pool: {
      query: (text: string, values: unknown[]) => database.pool.query(text, values),
      connect: () =>
        fault === undefined
          ? database.pool.connect()
          : Promise.reject(Object.assign(new Error('away'), { code: fault })),
    } as unknown as pg.Pool,
    audit: openAudit(Buffer.alloc(32)),
    identity: 'test',
    journals,
    start: () => Promise.resolve(),
    warn: (_, { code, secret }) => warned.push([code, secret]),
  });
  for (fault of ['ECONNREFUSED', 'ECONNREFUSED', '55P03', '55P03', undefined]) await look();
  expect(warned).toEqual([
    ['ECONNREFUSED', 'acme/shop'],
    ['55P03', 'acme/shop'],
    ['no-such-secret', 'acme/shop'],
  ]);
});
