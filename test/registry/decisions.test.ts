import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Facts, MayBreak } from '../../domain/facts.js';
import type { UseRecord } from '../../domain/issuer.js';
import type { DecisionKind, RunKind } from '../../domain/run.js';
import { openAudit } from '../../infra/registry/audit.js';
import { recordDecision } from '../../infra/registry/decisions.js';
import { openRegistry } from '../../infra/registry/open.js';
import { submit, unreadRuns } from '../../infra/registry/requests.js';
import { traits } from '../domain/facts.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

const audit = openAudit(Buffer.alloc(32));
const traitsOf = () => traits;
const name = { organization: 'acme', secret: 'api' };
let database: TestDatabase;
let secretId: string;

beforeEach(async () => {
  database = await openDatabase();
  const { rows } = await database.ownerPool.query<{ id: string }>(
    `with o as (insert into rotor.organizations (name) values ('acme') returning id),
       s as (insert into rotor.secrets (organization_id, name, owner, issuer, specification)
         select id, 'api', 'team', 'main', '{}' from o returning id),
       t as (insert into rotor.dependents (organization_id, name, owner)
         select id, 'billing', 'team' from o returning id),
       d as (insert into rotor.destinations (connector, identity, address)
         values ('memory', 'billing', '{}') returning id),
       y as (insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner,
           least_evidence, seen_as, picks_up_within_ms)
         select s.id, t.id, d.id, 'team', 'observed', '{"userAgent": "billing/*"}', 0 from s, t, d)
     select id from s`,
  );
  secretId = rows[0]?.id ?? '';
  await adoptAndUse(['curl/8', 'billing/1']);
});
afterEach(() => database.close());

function registry() {
  return openRegistry({ pool: database.pool, audit, traitsOf });
}

/** A version that was used, just now, by each of them. */
async function adoptAndUse(userAgents: readonly string[]): Promise<void> {
  const credentialId = 'first';
  const known = { value: 'unknown', expiresAt: undefined, by: 'test' } as const;
  await registry().adopt({ secretId, versionId: randomUUID(), credentialId, ...known });
  const now = new Date();
  const minute = new Date(Math.floor(now.getTime() / 60_000) * 60_000);
  const uses = userAgents.map((userAgent) => ({
    credentialId,
    source: { address: '10.0.0.7', userAgent },
    outcome: 'accepted' as const,
    minute,
    lastAt: now,
    count: 1,
  }));
  const moment = { completeThrough: now, continuousSince: undefined, issuerNow: now };
  const record: UseRecord = { kind: 'exact', resolutionMs: 0, ...moment, uses };
  await registry().recordUse({ secretId, record, since: new Date(0) });
}

async function ask(kind: RunKind = 'rotate'): Promise<string> {
  const about = { requestedBy: 'ann', reason: 'x', idempotencyKey: randomUUID(), options: {} };
  const door = { pool: database.pool, audit };
  return (await submit(door, { ...name, ...about, kind }, 'test')).runId;
}

function decide(runId: string, kind: DecisionKind, accepted?: Partial<MayBreak>) {
  const may = accepted && { dependents: [], sources: [], ...accepted };
  const said = {
    by: { name: 'bob', person: 'bob' },
    reason: 'known',
    ...(may && { accepted: may }),
  };
  return recordDecision({ pool: database.pool, audit, traitsOf }, { runId, kind, ...said });
}

async function decisionsOf(runId: string): Promise<Facts['run']['decisions']> {
  return (await registry().read(runId)).run.decisions;
}

describe('an outage that is accepted for a run under way', () => {
  test('is a fact with who and why, on the audit trail, and the run is told', async () => {
    const runId = await ask();
    const sources = [{ address: '10.0.0.7', userAgent: 'curl/8' }];
    await decide(runId, 'accept-outage', { dependents: ['billing'] });
    await decide(runId, 'accept-outage', { sources });
    await decide(runId, 'accept-unseen-use');
    const said = { by: 'bob', person: 'bob', reason: 'known', read: false };
    expect(await decisionsOf(runId)).toMatchObject([
      { ...said, kind: 'accept-outage', accepted: { dependents: ['billing'], sources: [] } },
      { ...said, kind: 'accept-outage', accepted: { dependents: [], sources } },
      { ...said, kind: 'accept-unseen-use', accepted: undefined },
    ]);
    const { rows } = await database.pool.query(
      `select actor, event->'accepted' as accepted from rotor.audit
       where event->>'kind' = 'accept-outage' order by seq`,
    );
    expect(rows).toEqual([
      { actor: 'bob', accepted: { dependents: ['billing'], sources: [] } },
      { actor: 'bob', accepted: { dependents: [], sources } },
    ]);
    await database.pool.query(`update rotor.runs set state = 'running' where id = $1`, [runId]);
    await database.pool.query(
      `update rotor.decisions set decided_at = clock_timestamp() - interval '1 minute'`,
    );
    expect(await unreadRuns(database.pool)).toEqual([{ secretId }]);
  });

  const rows: [string, DecisionKind, Partial<MayBreak> | undefined, string][] = [
    ['nobody', 'accept-outage', {}, 'outage-needed'],
    ['a dependent that is none', 'accept-outage', { dependents: ['bilking'] }, 'body-invalid'],
    [
      'a source that nobody was seen as',
      'accept-outage',
      { sources: [{ userAgent: 'curl/9' }] },
      'body-invalid',
    ],
    [
      'where a declared dependent was seen',
      'accept-outage',
      { sources: [{ userAgent: 'billing/1' }] },
      'body-invalid',
    ],
  ];
  for (const [what, kind, accepted, code] of rows) {
    test(`names ${what}: refused, and nothing is written`, async () => {
      const runId = await ask();
      await expect(decide(runId, kind, accepted)).rejects.toMatchObject({ code });
      expect(await decisionsOf(runId)).toEqual([]);
    });
  }

  test('is not needed where a compromise is contained', async () => {
    const runId = await ask('compromise');
    await expect(decide(runId, 'accept-outage', { dependents: ['billing'] })).rejects.toMatchObject(
      { code: 'accepted-already' },
    );
  });

  test('is what a later request may join with', async () => {
    const runId = await ask();
    await decide(runId, 'accept-outage', { dependents: ['billing'] });
    const acceptedOutage = { by: 'ann', reason: 'x', dependents: ['billing'], sources: [] };
    const request = { ...name, kind: 'rotate' as const, requestedBy: 'ann', reason: 'x' };
    const joining = { ...request, options: { acceptedOutage }, idempotencyKey: randomUUID() };
    const submitted = await submit({ pool: database.pool, audit }, joining, 'test');
    expect(submitted).toEqual({ runId, submission: 'joined' });
  });
});
