import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ApiParts } from '../../api/parts.js';
import { requestRun } from '../../api/run-request.js';
import type { RunOptions } from '../../domain/facts.js';
import type { DecisionKind, RunKind } from '../../domain/run.js';
import type { Principal } from '../../infra/registry/access-tokens.js';
import { openAudit } from '../../infra/registry/audit.js';
import { beginCampaign } from '../../infra/registry/campaign-request.js';
import { campaignSecrets } from '../../infra/registry/campaigns.js';
import { openRegistry } from '../../infra/registry/open.js';
import { submit, unreadRuns, type RunRequest } from '../../infra/registry/requests.js';
import { listTasks } from '../../infra/registry/task-views.js';
import { findRun, listRuns, type RunsAsked } from '../../infra/registry/views.js';
import { RunBody } from '../../schemas/requests.js';
import { traits } from '../domain/facts.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;
let secretId: string;
const audit = openAudit(Buffer.alloc(32));

beforeEach(async () => {
  database = await openDatabase();
  const { rows } = await database.pool.query<{ id: string }>(
    `with o as (insert into rotor.organizations (name) values ('acme') returning id)
     insert into rotor.secrets (organization_id, name, owner, issuer, specification)
     select id, 'api', 'team', 'main', '{}' from o returning id`,
  );
  secretId = rows[0]?.id ?? '';
});
afterEach(() => database.close());

function ask(kind: RunKind, options: RunOptions = {}) {
  return askKnowing(kind, { noDependentsKnown: true, ...options });
}

function askKnowing(kind: RunKind, options: RunOptions) {
  return request({ kind, options, idempotencyKey: randomUUID() });
}

function request(
  asked: Pick<RunRequest, 'kind' | 'options' | 'idempotencyKey'> & { reason?: string },
) {
  const about = { organization: 'acme', secret: 'api', requestedBy: 'ann', reason: 'x' };
  return submit({ pool: database.pool, audit }, { ...about, ...asked }, 'test');
}

describe('lists leave out nothing that is open', () => {
  test('of runs: all that are open, then the newest that have ended; of one secret or state only', async () => {
    const { ownerPool, pool } = database;
    await ownerPool.query(
      `with more as (insert into rotor.secrets (organization_id, name, owner, issuer, specification)
         select organization_id, 's' || n, owner, issuer, '{}' from rotor.secrets, generate_series(1, 210) n
         where id = $1 returning id)
       insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key,
         request_fingerprint, waits_code, requested_at)
       select gen_random_uuid(), id, 'rotate', 'running', 'x', 'x', gen_random_uuid(), 'x', 'paused',
         now() - interval '1 year' from more`,
      [secretId],
    );
    await ownerPool.query(
      `insert into rotor.runs (id, secret_id, kind, state, outcome, requested_by, reason, idempotency_key,
         request_fingerprint, ended_at)
       select gen_random_uuid(), $1, 'rotate', 'ended', 'succeeded', 'x', 'x', gen_random_uuid(), 'x', now()
       from generate_series(1, 210)`,
      [secretId],
    );
    await ask('rotate');
    const states = async (asked: Partial<RunsAsked>) => {
      const rows = await listRuns(pool, { organization: undefined, ...asked });
      return [rows.length, rows[0]?.['state'], rows.at(-1)?.['state']];
    };
    expect(await states({})).toEqual([411, 'requested', 'ended']);
    expect(await states({ state: 'open' })).toEqual([211, 'requested', 'running']);
    expect(await states({ state: 'blocked' })).toEqual([210, 'running', 'running']);
    expect(await states({ state: 'ended' })).toEqual([200, 'ended', 'ended']);
    const secret = { organization: 'acme', secret: 'api' };
    expect(await states({ secret, state: 'open' })).toEqual([1, 'requested', 'requested']);
    expect(await states({ secret, organization: 'other' })).toEqual([0, undefined, undefined]);
  });

  test('of tasks: all that are open, what is due first', async () => {
    const { ownerPool, pool } = database;
    await ownerPool.query(
      `with d as (insert into rotor.dependents (organization_id, name, owner)
         select organization_id, 'app', owner from rotor.secrets where id = $1 returning id),
       e as (insert into rotor.destinations (connector, identity, address)
         values ('human-task', 'x', '{}') returning id),
       y as (insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner, least_evidence,
           picks_up_within_ms) select $1, d.id, e.id, 'team', 'human', 0 from d, e returning id),
       v as (insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
         select gen_random_uuid(), $1, n, 'active', 'adopted', 'unknown' from generate_series(1, 205) n
         returning id, ordinal)
       insert into rotor.tasks (kind, secret_id, dependency_id, version_id, urgent, assignment, opened_at, due_at)
       select 'remove', $1, y.id, v.id, false, '{}', now() - make_interval(days => v.ordinal),
         now() - make_interval(days => v.ordinal) from v, y`,
      [secretId],
    );
    const open = await listTasks(pool, { organization: undefined, all: false });
    expect(open).toHaveLength(205);
    expect(open[0]).toMatchObject({ version: 'v205', state: 'open' });
  });

  test('an id is found by itself, and by its beginning where that is enough', async () => {
    const { runId } = await ask('rotate');
    const found = async (id: string) => (await findRun(database.pool, id))?.['run'];
    for (const length of [8, 9, 13, 20, 36])
      expect(await found(runId.slice(0, length))).toBe(runId);
    expect(await found(runId.slice(0, 7))).toBeUndefined();
    expect(await found(`${runId.slice(0, 8)}0000`)).toBeUndefined();
    expect(await found(randomUUID())).toBeUndefined();
  });
});

describe('a secret that is busy', () => {
  const outage = { by: 'ann', reason: 'x', dependents: ['app'], sources: [] };

  test('a compromise at once takes over from one that replaces first', async () => {
    const slow = await ask('compromise', { replaceFirstMs: 3_600_000 });
    const later = await ask('compromise', { replaceFirstMs: 7_200_000 });
    expect(later).toEqual({ runId: slow.runId, submission: 'joined' });
    const held = `update rotor.runs set waits_code = 'paused', waits_told = 'x' where id = $1`;
    await database.pool.query(held, [slow.runId]);
    const now = await ask('compromise');
    expect(now.submission).toBe('created');
    const { rows } = await database.pool.query(
      `select outcome, end_untold as untold, waits_code, waits_told, until is null as waits
       from rotor.runs r join rotor.waits w on w.run_id = r.id where r.id = $1`,
      [slow.runId],
    );
    const nothing = { waits_code: null, waits_told: null, waits: false };
    expect(rows).toEqual([{ outcome: 'superseded', untold: true, ...nothing }]);
  });

  test('an incident shows the run that goes on, also where another one took over', async () => {
    const { pool } = database;
    const id = await beginCampaign(
      { pool, audit },
      {
        kind: 'incident',
        subject: { organization: 'acme' },
        leakedBefore: new Date(),
        ...{ quarantine: false, atOnce: 1, by: 'ann', person: undefined, reason: 'x' },
        idempotencyKey: 'k',
      },
    );
    const { runId } = await ask('compromise', { versionIds: [randomUUID()] });
    await pool.query(
      `insert into rotor.campaign_secrets (campaign_id, secret_id, version_ids, position, run_id)
       values ($1, $2, '{}', 1, $3)`,
      [id, secretId, runId],
    );
    expect(await campaignSecrets(pool, id)).toMatchObject([{ run: runId, busy: true }]);
    const { runId: later } = await ask('compromise', { versionIds: [randomUUID()] });
    await pool.query(`update rotor.runs set waits_code = 'paused' where id = $1`, [later]);
    const shown = [{ run: later, waitsCode: 'paused' }];
    expect(await campaignSecrets(pool, id)).toMatchObject(shown);
    await pool.query('update rotor.campaign_secrets set run_id = null');
    expect(await campaignSecrets(pool, id)).toMatchObject(shown);
    const ends = `update rotor.runs set state = 'ended', ended_at = now(), outcome = 'succeeded' where id = $1`;
    await pool.query(ends, [later]);
    expect(await campaignSecrets(pool, id)).toMatchObject([{ run: null, busy: false }]);
  });

  test('whoever joins a compromise is told what it does not end', async () => {
    const { runId } = await ask('compromise');
    const { rows } = await database.pool.query<{ id: string }>(
      `insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
       select gen_random_uuid(), $1, n, 'active', 'adopted', 'unknown' from generate_series(1, 2) n
       returning id`,
      [secretId],
    );
    expect(await ask('compromise')).toEqual({ runId, submission: 'joined' });
    const plan = { ends: [rows[0]?.id] };
    await database.pool.query('update rotor.runs set plan = $2 where id = $1', [runId, plan]);
    const joined = await ask('compromise');
    expect(joined).toEqual({ runId, submission: 'joined', livesOn: ['v2'] });
  });

  test('a compromise of other versions later is refused, and at once it contains both', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const first = await ask('compromise', { versionIds: [a] });
    await expect(
      ask('compromise', { versionIds: [b], replaceFirstMs: 60_000 }),
    ).rejects.toMatchObject({
      code: 'secret-busy',
      hint: expect.stringContaining('ask without --replace-first'),
    });
    const both = await ask('compromise', { versionIds: [b] });
    const { rows } = await database.pool.query(
      `select id, state, options->'versionIds' as ids from rotor.runs order by requested_at`,
    );
    expect(rows).toEqual([
      { id: first.runId, state: 'ended', ids: [a] },
      { id: both.runId, state: 'requested', ids: [b, a] },
    ]);
  });

  test('an accepted outage is not lost in a rotation that runs, and the refusal says what to do', async () => {
    const { runId } = await ask('rotate');
    await expect(ask('rotate', { acceptedOutage: outage })).rejects.toMatchObject({
      code: 'secret-busy',
      message: expect.stringContaining('your acceptance would be lost'),
      hint: expect.stringContaining(`rotor decide ${runId} accept-outage`),
    });
  });

  test('an accepted outage is not lost in a rotation that waits for its turn', async () => {
    await ask('revoke', { versionIds: [randomUUID()] });
    const queued = await ask('rotate');
    expect(queued.submission).toBe('queued');
    await expect(ask('rotate', { acceptedOutage: outage })).rejects.toMatchObject({
      code: 'secret-busy',
      hint: expect.stringContaining(`rotor decide ${queued.runId} accept-outage`),
    });
  });
});

describe('a request that joined a run', () => {
  const again = { kind: 'rotate', options: { noDependentsKnown: true } } as const;
  async function end(runId: string): Promise<void> {
    await database.pool.query(
      `update rotor.runs set state = 'ended', outcome = 'succeeded', ended_at = now()
       where id = $1`,
      [runId],
    );
  }

  test('is answered with that run when it is repeated, also after the run has ended', async () => {
    const { runId } = await ask('rotate');
    const idempotencyKey = randomUUID();
    const joined = await request({ ...again, idempotencyKey });
    expect(joined).toEqual({ runId, submission: 'joined' });
    const { rows: told } = await database.pool.query(
      `select actor from rotor.audit where run_id = $1 and event->>'change' = 'run-joined'`,
      [runId],
    );
    expect(told).toHaveLength(1);
    expect(await request({ ...again, idempotencyKey })).toEqual({ runId, submission: 'repeated' });
    await end(runId);
    expect(await request({ ...again, idempotencyKey })).toEqual({ runId, submission: 'repeated' });
    const other = await request({ ...again, idempotencyKey: randomUUID() });
    expect(other.submission).toBe('created');
  });

  test('is a conflict when its key comes again with another body', async () => {
    const { runId } = await ask('rotate');
    const idempotencyKey = randomUUID();
    await request({ ...again, idempotencyKey });
    await end(runId);
    await expect(request({ ...again, idempotencyKey, reason: 'y' })).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    });
  });

  test('keeps its key where the run it joined still waits for its turn', async () => {
    await ask('revoke', { versionIds: [randomUUID()] });
    const queued = await ask('rotate');
    const idempotencyKey = randomUUID();
    const { runId } = await request({ ...again, idempotencyKey });
    expect(runId).toBe(queued.runId);
    await end(runId);
    expect(await request({ ...again, idempotencyKey })).toEqual({ runId, submission: 'repeated' });
  });
});

describe('a request under its key is the same run when it comes again', () => {
  const outage = { dependents: [], sources: [] };
  const whoever = { organization: undefined, person: 'ann' };
  const by: Principal = { name: 'ann', holder: 'person', role: 'admin', ...whoever };

  function post(said: object, traitsOf = () => traits): Promise<unknown> {
    const { pool } = database;
    const parts = {
      ...{ pool, registry: openRegistry({ pool, audit, traitsOf }) },
      request: (asked: RunRequest) => submit({ pool, audit }, asked, 'test'),
    } as unknown as ApiParts;
    const body = RunBody.parse({ reason: 'x', confirm: 'revoke', ...said });
    const params = { organization: 'acme', secret: 'api' };
    return requestRun(parts, { params, body, by, query: {}, idempotencyKey: 'k' });
  }

  function adoptFirst(): Promise<unknown> {
    return openRegistry({ pool: database.pool, audit, traitsOf: () => traits }).adopt({
      ...{ secretId, versionId: randomUUID(), credentialId: 'c1', value: 'unknown' },
      ...{ expiresAt: undefined, by: 'ann' },
    });
  }

  test.each([
    ['the version', { versions: ['v1'] }],
    ['all of before a moment', { leakedBefore: new Date().toISOString() }],
  ])('once %s that leaked is dead', async (_what, scope) => {
    await adoptFirst();
    const body = { kind: 'compromise', ...scope };
    const first = await post(body);
    await database.pool.query(
      `update rotor.versions set state = 'ended', is_current = false, ended_cause = 'removed-elsewhere'`,
    );
    expect(await post(body)).toEqual({ ...(first as object), submission: 'repeated' });
    await expect(post({ ...body, reason: 'y' })).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    });
  });

  test('a version is contained though this API does not know its issuer', async () => {
    await adoptFirst();
    const unknown = () => {
      throw new Error('there is no such issuer');
    };
    const asked = await post({ kind: 'compromise', versions: ['v1'] }, unknown);
    expect(asked).toEqual({ runId: expect.any(String), submission: 'created' });
  });

  test('of a database that was set back, and nothing is revoked for now', async () => {
    await database.ownerPool.query('update rotor.installation set recovering = true');
    const asked = await post({ kind: 'compromise' });
    expect(asked).toMatchObject({ submission: 'created', held: 'recovering' });
  });

  test('once the secret is decommissioned', async () => {
    const body = { kind: 'decommission', noDependentsKnown: true, acceptOutage: outage };
    const first = (await post(body)) as { runId: string };
    await database.pool.query(
      `update rotor.runs set state = 'ended', outcome = 'succeeded', ended_at = now()`,
    );
    await database.pool.query('update rotor.secrets set retired_at = now()');
    expect(await post(body)).toEqual({ ...first, submission: 'repeated' });
    const other = request({ ...{ kind: 'decommission', options: {} }, idempotencyKey: 'other' });
    await expect(other).rejects.toMatchObject({ code: 'no-such-secret' });
  });
});

test('where nobody is declared, a rotation needs that said, and containing does not', async () => {
  await expect(askKnowing('rotate', {})).rejects.toMatchObject({ code: 'no-dependents-known' });
  expect((await askKnowing('compromise', {})).submission).toBe('created');
});

describe('decisions that nobody has read', () => {
  async function decided(kind: DecisionKind, waitsCode: string): Promise<unknown> {
    const { runId } = await ask('rotate');
    await database.pool.query(
      `update rotor.runs set state = 'running', waits_code = $2 where id = $1`,
      [runId, waitsCode],
    );
    await database.pool.query(
      `insert into rotor.decisions (id, run_id, kind, decided_by, reason, decided_at)
       values (gen_random_uuid(), $1, $2, 'ann', 'x', clock_timestamp() - interval '1 minute')`,
      [runId, kind],
    );
    return unreadRuns(database.pool);
  }

  test('a run that says it is paused is not told of its pause again', async () => {
    expect(await decided('pause', 'paused')).toEqual([]);
  });
  test('a run that waits for something else is told of its pause', async () => {
    expect(await decided('pause', 'waiting')).toEqual([{ secretId }]);
  });
  test('a run that is paused is told that it may go on', async () => {
    expect(await decided('resume', 'paused')).toEqual([{ secretId }]);
  });
});
