import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { UseRecord } from '../../domain/issuer.js';
import { readFrom, standsStill } from '../../domain/quiet.js';
import type { Registry, SecretName } from '../../domain/registry.js';
import { openAudit } from '../../infra/registry/audit.js';
import { openRegistry } from '../../infra/registry/open.js';
import { readFigures } from '../../infra/registry/figures.js';
import { foldUse } from '../../infra/registry/upkeep.js';
import { moveWatermark, readUseAgain } from '../../infra/registry/watermark.js';
import { traits } from '../domain/facts.js';
import { eventually } from '../faults/installation.js';
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

async function adopt(credentialId: string, of = secretId): Promise<void> {
  const versionId = randomUUID();
  const known = { value: 'unknown', expiresAt: undefined, by: 'test' } as const;
  await registry.adopt({ secretId: of, versionId, credentialId, ...known });
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

test('use that is told of a version by its tag alone is of that version', async () => {
  const versionId = randomUUID();
  const known = { value: 'unknown', expiresAt: undefined, by: 'test' } as const;
  await registry.adopt({ secretId, versionId, credentialId: 'gone', ...known });
  const record = recordOf('nobody');
  const uses = ['not-an-id', versionId].flatMap((id) =>
    record.uses.map((use) => ({ ...use, credentialId: id, versionId: id })),
  );
  await registry.recordUse({ secretId, record: { ...record, uses }, since: new Date(0) });
  const { uses: read } = await factsOf();
  expect(read.filter((use) => use.versionId === versionId)).toMatchObject([{ count: 1 }]);
});

describe('a credential that is adopted while the very first reading is being written', () => {
  async function secretNever(read: string): Promise<SecretName & { secretId: string }> {
    const { rows } = await database.ownerPool.query<{ id: string }>(
      `insert into rotor.secrets (organization_id, name, owner, issuer, specification)
       select id, $1, 'team', 'main', '{}' from rotor.organizations returning id`,
      [read],
    );
    return { organization: 'acme', secret: read, secretId: rows[0]?.id ?? '' };
  }
  async function somebodyWaits(): Promise<void> {
    const waiting = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    await eventually(async () => (await database.ownerPool.query(waiting)).rowCount === 1);
  }
  const firstReading = (of: string) => ({
    secretId: of,
    record: recordOf('early'),
    since: readFrom(undefined, new Date()),
  });
  const factsOfSecret = (secret: SecretName) =>
    registry.imagine(secret, { kind: 'rotate', options: {}, by: 'test' });

  test('after its uses were copied: the adoption waits, and the record is read again', async () => {
    const secret = await secretNever('written');
    const reading = firstReading(secret.secretId);
    const writer = await database.pool.connect();
    await writer.query('begin');
    await moveWatermark(writer, reading);
    const adopted = adopt('early', secret.secretId);
    await somebodyWaits();
    await writer.query('commit');
    writer.release();
    await adopted;
    const before = await factsOfSecret(secret);
    expect(before?.record && standsStill(before.record)).toBe(true);
    const since = readFrom(before?.record?.completeThrough, new Date());
    await registry.recordUse({ ...reading, since });
    const after = await factsOfSecret(secret);
    expect(after?.uses).toMatchObject([{ source: { userAgent: 'weekly' } }]);
    expect(after?.record && standsStill(after.record)).toBe(false);
  });

  test('before they are copied: the reading waits, and copies its use', async () => {
    const secret = await secretNever('adopted');
    const adopter = await database.pool.connect();
    await adopter.query('begin');
    await adopter.query('select from rotor.secrets where id = $1 for update', [secret.secretId]);
    await adopter.query(
      `insert into rotor.versions (id, secret_id, ordinal, state, origin, value, credential_id)
       values ($1, $2, 1, 'active', 'adopted', 'unknown', 'early')`,
      [randomUUID(), secret.secretId],
    );
    await readUseAgain(adopter, secret.secretId);
    const recorded = registry.recordUse(firstReading(secret.secretId));
    await somebodyWaits();
    await adopter.query('commit');
    adopter.release();
    await recorded;
    const facts = await factsOfSecret(secret);
    expect(facts?.uses).toMatchObject([{ source: { userAgent: 'weekly' } }]);
  });
});

test('copied twice, a record is the same; only what is new is news', async () => {
  const record = recordOf('late');
  expect(await registry.recordUse({ secretId, record, since: new Date() })).toEqual([]);
  const uses = record.uses.map((use) => ({ ...use, source: { userAgent: 'stranger' } }));
  const strange = { secretId, record: { ...record, uses }, since: new Date() };
  expect(await registry.recordUse(strange)).toEqual([{ secretId, what: 'new-user' }]);
  expect(await registry.recordUse(strange)).toEqual([]);
});

test('a reading that began before a credential became known does not move the watermark past its use', async () => {
  const { record: before } = await factsOf();
  const stale = readFrom(before.completeThrough, new Date());
  await adopt('later');

  await registry.recordUse({ secretId, record: { ...recordOf('later'), uses: [] }, since: stale });

  const { record: after, uses } = await factsOf();
  expect(standsStill(after)).toBe(true);
  const since = readFrom(after.completeThrough, new Date());
  expect(since.getTime()).toBeLessThan(Date.now() - 31 * day);
  await registry.recordUse({ secretId, record: recordOf('later'), since });
  const read = await factsOf();
  expect(read.uses).toHaveLength(uses.length + 1);
  expect(standsStill(read.record)).toBe(false);
});

test('a slower reader of the same minute moves nothing back, and brings no news', async () => {
  const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000);
  const source = { userAgent: 'busy' };
  const readingOf = (count: number) => {
    const lastAt = new Date(minute.getTime() + count * 1_000);
    const use = { credentialId: 'first', source, outcome: 'refused' as const, minute, lastAt };
    const record = { ...recordOf('first'), uses: [{ ...use, count }] };
    return { secretId, record, since: minute };
  };
  await database.ownerPool.query(
    `update rotor.versions set disabled_at = $1 where credential_id = 'first'`,
    [minute],
  );
  expect(await registry.recordUse(readingOf(5))).toEqual([{ secretId, what: 'straggler' }]);
  expect(await registry.recordUse(readingOf(3))).toEqual([]);

  const { uses } = await factsOf();
  const [seen] = uses.filter(({ source: { userAgent } }) => userAgent === 'busy');
  expect(seen).toMatchObject({ count: 5, lastAt: new Date(minute.getTime() + 5_000) });
});

test('a straggler is news each time that it tries, until somebody accepts that it breaks', async () => {
  const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000);
  const source = { userAgent: 'stubborn' };
  const tries = (count: number) => {
    const lastAt = new Date(minute.getTime() + count * 1_000);
    const use = { credentialId: 'first', source, outcome: 'refused' as const, minute, lastAt };
    const record = { ...recordOf('first'), uses: [{ ...use, count }] };
    return registry.recordUse({ secretId, record, since: minute });
  };
  await database.ownerPool.query(
    `update rotor.versions set disabled_at = $1 where credential_id = 'first'`,
    [minute],
  );
  const straggler = [{ secretId, what: 'straggler' }];
  expect(await tries(1)).toEqual(straggler);
  const outage = { by: 'ann', reason: 'x', dependents: [], sources: [{ userAgent: 'other' }] };
  const { rows } = await database.ownerPool.query<{ id: string }>(
    `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key,
       request_fingerprint, options)
     values (gen_random_uuid(), $1, 'rotate', 'running', 'ann', 'x', 'k', 'f', $2) returning id`,
    [secretId, { acceptedOutage: outage }],
  );
  expect(await tries(2)).toEqual(straggler);
  await database.ownerPool.query(
    `insert into rotor.decisions (id, run_id, kind, accepted, decided_by, reason)
     values (gen_random_uuid(), $1, 'accept-outage', $2, 'bob', 'y')`,
    [rows[0]?.id, { dependents: [], sources: [source] }],
  );
  expect(await tries(3)).toEqual([]);
});

test('how far an issuer is ahead is told by the clock of the database, whatever the worker thinks', async () => {
  const { rows } = await database.pool.query<{ now: Date }>('select clock_timestamp() as now');
  const issuerNow = new Date((rows[0]?.now.getTime() ?? 0) + 30_000);
  const real = Date.now;
  Date.now = () => real() + 3_600_000;
  try {
    const record = { ...recordOf('first'), issuerNow, uses: [] };
    await registry.recordUse({ secretId, record, since: new Date(0) });
  } finally {
    Date.now = real;
  }
  const { record } = await factsOf();
  expect(record.skewMs).toBeGreaterThan(0);
  expect(record.skewMs).toBeLessThanOrEqual(30_000);
});

test("an issuer's clock that is put back begins the record anew: nothing is proven by what it promised before", async () => {
  const now = new Date();
  const ahead = new Date(now.getTime() + 3_600_000);
  const told = { ...recordOf('first'), uses: [] };
  const promised = { ...told, completeThrough: ahead, issuerNow: ahead };
  await registry.recordUse({ secretId, record: promised, since: new Date(0) });
  const { record: before } = await factsOf();
  expect(before.completeThrough).toEqual(ahead);

  const since = readFrom(before.completeThrough, now);
  await registry.recordUse({ secretId, record: told, since });

  const { record: after } = await factsOf();
  expect(standsStill(after)).toBe(true);
  const again = readFrom(after.completeThrough, now);
  expect(again.getTime()).toBeLessThan(now.getTime() - 31 * day);
  await registry.recordUse({ secretId, record: told, since: again });
  const { record: read } = await factsOf();
  expect(read.completeThrough).toEqual(told.completeThrough);
  expect(read.continuousSince).toEqual(told.issuerNow);
  expect(standsStill(read)).toBe(false);
});

describe('use that is older than some days', () => {
  const old = (minutes: number): UseRecord['uses'][number] => {
    const midnight = Math.floor(Date.now() / day) * day - 6 * day;
    const minute = new Date(midnight + minutes * 60_000);
    const lastAt = new Date(minute.getTime() + 30_000);
    const source = { userAgent: 'weekly' };
    return { credentialId: 'folded', source, outcome: 'accepted', minute, lastAt, count: 2 };
  };
  const minutes = [10, 11, 700, 1_430, 1_445];
  const told = () => ({ ...recordOf('folded'), uses: minutes.map(old) });
  const read = () => registry.recordUse({ secretId, record: told(), since: new Date(0) });
  const rows = async () => {
    const { rows: found } = await database.pool.query<{ count: string; folded: boolean }>(
      `select u.count, u.folded from rotor.use u join rotor.versions v on v.id = u.version_id
       where v.credential_id = 'folded' order by u.minute`,
    );
    return found.map(({ count, folded }) => [Number(count), folded]);
  };
  const usesOf = async () =>
    (await factsOf()).uses.filter(({ source }) => source.userAgent === 'weekly');

  test('is kept by the day: every decision sees the same as before, and what is read again is no news', async () => {
    await adopt('folded');
    await read();
    const before = await usesOf();
    expect(await rows()).toHaveLength(5);
    await foldUse(database.pool, () => false);
    expect(await rows()).toEqual([
      [8, true],
      [2, true],
    ]);
    expect(await usesOf()).toEqual(before);
    expect(await read()).toEqual([]);
    expect(await rows()).toEqual([
      [8, true],
      [2, true],
    ]);
    const late = { ...recordOf('folded'), uses: [old(1_446)] };
    await registry.recordUse({ secretId, record: late, since: new Date(0) });
    await foldUse(database.pool, () => false);
    expect(await rows()).toEqual([
      [8, true],
      [4, true],
    ]);
  });

  test('keeps refusals after a revoke apart from those before it on the same day', async () => {
    const { pool, ownerPool } = database;
    const name = 'folded';
    const known = `version_id = (select id from rotor.versions where credential_id = '${name}')`;
    await ownerPool.query(`delete from rotor.use where ${known}`);
    await read();
    await ownerPool.query(`update rotor.use set outcome = 'refused' where ${known}`);
    const client = await ownerPool.connect();
    const called = old(600).minute;
    await client.query('begin; set local session_replication_role = replica');
    await client.query(
      `with v as (select id, secret_id from rotor.versions where credential_id = $1),
       r as (insert into rotor.runs (id, secret_id, kind, state, outcome, ended_at, requested_by, reason,
           idempotency_key, request_fingerprint)
         select gen_random_uuid(), secret_id, 'revoke', 'ended', 'succeeded', now(), 'x', 'x',
           gen_random_uuid(), 'x' from v returning id),
       g as (insert into rotor.grants (id, version_id, run_id, basis, because, expires_at, called_at)
         select gen_random_uuid(), v.id, r.id, 'proven-unused', '{}', now(), $2::timestamptz from v, r returning id)
       update rotor.versions set state = 'revoked', is_current = false, revoked_at = now(), grant_id = g.id
       from g where credential_id = $1`,
      [name, called],
    );
    await client.query('commit');
    client.release();
    const refusals = async () => (await readFigures(pool, undefined, 10)).refusals;
    const before = await refusals();
    await foldUse(pool, () => false);
    expect((await rows()).every(([, folded]) => folded)).toBe(true);
    expect(await rows()).toHaveLength(3);
    expect(await refusals()).toBe(before);
  });
});
