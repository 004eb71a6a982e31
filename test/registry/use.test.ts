import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { UseRecord } from '../../domain/issuer.js';
import { readFrom, standsStill } from '../../domain/quiet.js';
import type { Registry } from '../../domain/registry.js';
import { openAudit } from '../../infra/registry/audit.js';
import { openRegistry } from '../../infra/registry/open.js';
import { traits } from '../domain/facts.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

const day = 86_400_000;
const name = { organization: 'acme', secret: 'api' };
let database: TestDatabase;
let registry: Registry;
let secretId: string;

beforeAll(async () => {
  database = await openDatabase();
  const { pool } = database;
  registry = openRegistry({ pool, audit: openAudit(Buffer.alloc(32)), traitsOf: () => traits });
  const { rows } = await pool.query<{ id: string }>(
    `with o as (insert into rotor.organizations (name) values ('acme') returning id)
     insert into rotor.secrets (organization_id, name, owner, issuer, specification)
     select id, 'api', 'team', 'main', '{}' from o returning id`,
  );
  secretId = rows[0]?.id ?? '';
});
afterAll(() => database.close());

/** Read just now, complete, with one use of a credential three days ago. */
function recordOf(credentialId: string): UseRecord {
  const now = new Date();
  const lastAt = new Date(now.getTime() - 3 * day);
  const minute = new Date(Math.floor(lastAt.getTime() / 60_000) * 60_000);
  const use = { credentialId, source: { userAgent: 'weekly' }, outcome: 'accepted' as const };
  return {
    kind: 'exact',
    completeThrough: now,
    continuousSince: undefined,
    resolutionMs: 0,
    issuerNow: now,
    uses: [{ ...use, minute, lastAt, count: 1 }],
  };
}

async function factsOf() {
  const facts = await registry.imagine(name, { kind: 'rotate', options: {}, by: 'test' });
  if (facts?.record === undefined) throw new Error('there is no record');
  return { uses: facts.uses, record: facts.record };
}

async function adopt(credentialId: string): Promise<void> {
  const versionId = randomUUID();
  const known = { value: 'unknown', expiresAt: undefined, by: 'test' } as const;
  await registry.adopt({ secretId, versionId, credentialId, ...known });
}

test('a credential that is adopted late: the record stands still until its earlier use was read too', async () => {
  await adopt('first');
  const record = recordOf('late');
  await registry.recordUse({ secretId, record, since: new Date(Date.now() - 90 * day) });
  const before = await factsOf();
  expect(before.uses).toEqual([]);
  expect(standsStill(before.record)).toBe(false);
  expect(before.record.continuousSince.getTime()).toBeLessThan(Date.now() - 89 * day);

  await adopt('late');

  const { record: after } = await factsOf();
  expect(standsStill(after)).toBe(true);
  expect(after.continuousSince.getTime()).toBeGreaterThan(Date.now() - 32 * day);
  const since = readFrom(after.completeThrough, new Date());
  expect(since.getTime()).toBeLessThan(Date.now() - 31 * day);
  await registry.recordUse({ secretId, record, since });
  const read = await factsOf();
  expect(read.uses).toMatchObject([{ source: { userAgent: 'weekly' } }]);
  expect(standsStill(read.record)).toBe(false);
});

test('copied twice, a record is the same; only what is new is news', async () => {
  const record = recordOf('late');
  expect(await registry.recordUse({ secretId, record, since: new Date() })).toEqual([]);
  const uses = record.uses.map((use) => ({ ...use, source: { userAgent: 'stranger' } }));
  const strange = { secretId, record: { ...record, uses }, since: new Date() };
  expect(await registry.recordUse(strange)).toEqual([{ secretId, what: 'new-user' }]);
  expect(await registry.recordUse(strange)).toEqual([]);
});
