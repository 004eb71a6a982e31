import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { allowedMoves, versionStates } from '../../domain/version.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

/** Raw SQL, around rotor's own code: the invariants live in the database. */
let database: TestDatabase;
let secretId: string;
let runId: string;
let ordinal = 0;

async function sql(text: string, values: unknown[] = []): Promise<string> {
  try {
    await database.pool.query(text, values);
    return 'done';
  } catch (error) {
    return error instanceof Error ? error.message : 'failed';
  }
}

async function id(text: string, values: unknown[] = []): Promise<string> {
  const { rows } = await database.ownerPool.query<{ id: string }>(text, values);
  return rows[0]?.id ?? '';
}

async function version(state: string): Promise<string> {
  const versionId = randomUUID();
  ordinal += 1;
  await database.ownerPool.query(
    `insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
     values ($1, $2, $3, 'pending', 'minted', 'unknown')`,
    [versionId, secretId, ordinal],
  );
  const ways: Record<string, readonly string[]> = {
    pending: [],
    active: ['active'],
    retiring: ['active', 'retiring'],
    disabled: ['active', 'retiring', 'disabled'],
    revoked: ['revoked'],
    ended: ['ended'],
  };
  for (const step of ways[state] ?? []) await move(versionId, step);
  return versionId;
}

async function grant(versionId: string, seconds = 30): Promise<string> {
  return id(
    `insert into rotor.grants (id, version_id, run_id, basis, because, expires_at)
     values (gen_random_uuid(), $1, $2, 'proven-unused', '{}', clock_timestamp() + make_interval(secs => $3))
     returning id`,
    [versionId, runId, seconds],
  );
}

async function move(versionId: string, to: string): Promise<string> {
  if (to === 'revoked') {
    const grantId = await grant(versionId);
    await sql('update rotor.grants set called_at = now() where id = $1', [grantId]);
    return sql(
      `update rotor.versions set state = 'revoked', revoked_at = now(), grant_id = $2 where id = $1`,
      [versionId, grantId],
    );
  }
  if (to === 'ended') {
    return sql(`update rotor.versions set state = 'ended', ended_cause = 'expired' where id = $1`, [
      versionId,
    ]);
  }
  return sql('update rotor.versions set state = $2 where id = $1', [versionId, to]);
}

beforeAll(async () => {
  database = await openDatabase();
  const organization = await id(
    `insert into rotor.organizations (name) values ('acme') returning id`,
  );
  secretId = await id(
    `insert into rotor.secrets (organization_id, name, owner, issuer, specification)
     values ($1, 'api', 'team', 'main', '{}') returning id`,
    [organization],
  );
  runId = await id(
    `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key, request_fingerprint)
     values (gen_random_uuid(), $1, 'rotate', 'running', 't', 't', 'k', 'f') returning id`,
    [secretId],
  );
});
afterAll(() => database.close());

describe('states of a version', () => {
  for (const from of versionStates) {
    for (const to of versionStates.filter((state) => state !== from)) {
      const allowed = allowedMoves[from].includes(to);
      test(`${from} ${allowed ? 'may' : 'never'} become ${to}`, async () => {
        const versionId = await version(from);
        const answer = await move(versionId, to);
        if (allowed) expect(answer).toBe('done');
        else expect(answer).toMatch(/does not go from|check constraint|grant of a revoked/);
      });
    }
  }

  test('a version does not begin revoked', async () => {
    const answer = await sql(
      `insert into rotor.versions (id, secret_id, ordinal, state, origin, value, ended_cause)
       values (gen_random_uuid(), $1, 999, 'ended', 'minted', 'unknown', 'expired')`,
      [secretId],
    );
    expect(answer).toContain('does not begin');
  });

  test('a version is never deleted, not even by the owner', async () => {
    await version('active');
    await expect(database.ownerPool.query('delete from rotor.versions')).rejects.toThrow(
      'never deleted',
    );
  });

  test('only one version of a secret is current', async () => {
    const one = await version('active');
    const other = await version('active');
    expect(await sql('update rotor.versions set is_current = true where id = $1', [one])).toBe(
      'done',
    );
    expect(
      await sql('update rotor.versions set is_current = true where id = $1', [other]),
    ).toContain('versions_current');
    await sql('update rotor.versions set is_current = false where id = $1', [one]);
  });
});

describe('revoked needs a grant that was live when the call was made', () => {
  async function revokeWith(versionId: string, grantId: string | null): Promise<string> {
    return sql(
      `update rotor.versions set state = 'revoked', revoked_at = now(), grant_id = $2 where id = $1`,
      [versionId, grantId],
    );
  }

  test('no grant', async () => {
    expect(await revokeWith(await version('active'), null)).toContain('only with a grant');
  });

  test('a grant that was never used for a call', async () => {
    const versionId = await version('active');
    expect(await revokeWith(versionId, await grant(versionId))).toContain('only with a grant');
  });

  test("another version's grant", async () => {
    const other = await version('active');
    const grantId = await grant(other);
    await sql('update rotor.grants set called_at = now() where id = $1', [grantId]);
    expect(await revokeWith(await version('active'), grantId)).toContain('only with a grant');
  });

  test('an expired grant cannot be called, whatever time the caller claims', async () => {
    const versionId = await version('active');
    const grantId = await grant(versionId, -1);
    const answer = await sql(`update rotor.grants set called_at = '2000-01-01' where id = $1`, [
      grantId,
    ]);
    expect(answer).toContain('has expired');
  });

  test('a grant is neither changed, extended, used twice nor deleted', async () => {
    const versionId = await version('active');
    const grantId = await grant(versionId);
    expect(
      await sql(`update rotor.grants set expires_at = now() + interval '1 day' where id = $1`, [
        grantId,
      ]),
    ).toContain('never changed');
    expect(await sql('update rotor.grants set called_at = now() where id = $1', [grantId])).toBe(
      'done',
    );
    expect(
      await sql('update rotor.grants set called_at = now() where id = $1', [grantId]),
    ).toContain('used once');
    await expect(
      database.ownerPool.query('delete from rotor.grants where id = $1', [grantId]),
    ).rejects.toThrow('never deleted');
  });
});

describe('runs', () => {
  test('one run of a secret is open, one more may wait', async () => {
    const insert = (key: string, state: string): Promise<string> =>
      sql(
        `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key, request_fingerprint)
         values (gen_random_uuid(), $1, 'rotate', $3, 't', 't', $2, 'f')`,
        [secretId, key, state],
      );
    expect(await insert('a', 'requested')).toContain('runs_open');
    expect(await insert('b', 'queued')).toBe('done');
    expect(await insert('c', 'queued')).toContain('runs_queued');
  });

  test('a run that ended stays ended', async () => {
    await sql(
      `update rotor.runs set state = 'ended', outcome = 'superseded', ended_at = now() where id = $1`,
      [runId],
    );
    expect(
      await sql(
        `update rotor.runs set state = 'running', outcome = null, ended_at = null where id = $1`,
        [runId],
      ),
    ).toContain('stays ended');
  });
});

describe('the audit trail', () => {
  test('the application can neither change nor remove an event', async () => {
    expect(await sql(`update rotor.audit set actor = 'nobody'`)).toContain('permission denied');
    expect(await sql('delete from rotor.audit')).toContain('permission denied');
    expect(await sql('truncate rotor.audit')).toContain('permission denied');
    expect(await sql('delete from rotor.audit_heads')).toContain('permission denied');
  });

  test('a lease never goes back to an older generation', async () => {
    const destination = await id(
      `insert into rotor.destinations (connector, identity, address) values ('x', 'y', '{}') returning id`,
    );
    const versionId = await version('active');
    await sql(
      `insert into rotor.leases (destination_id, generation, version_id, run_id, deadline) values ($1, 2, $2, $3, now())`,
      [destination, versionId, runId],
    );
    expect(
      await sql('update rotor.leases set generation = 1 where destination_id = $1', [destination]),
    ).toContain('newer generation');
  });
});

describe('tasks of people', () => {
  let dependencyId: string;
  let openRun: string;
  beforeAll(async () => {
    dependencyId = await id(
      `with t as (insert into rotor.dependents (organization_id, name, owner)
           select organization_id, 'partner', 'team' from rotor.secrets where id = $1 returning id),
         e as (insert into rotor.destinations (connector, identity, address)
           values ('human-task', 'portal', '{}') returning id)
       insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner,
         least_evidence, picks_up_within_ms) select $1, t.id, e.id, 'team', 'human', 0 from t, e returning id`,
      [secretId],
    );
    openRun = await id(
      `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key, request_fingerprint)
       values (gen_random_uuid(), $1, 'rotate', 'running', 't', 't', 'tasks', 'f') returning id`,
      [secretId],
    );
  });

  const open = (versionId: string): Promise<string> =>
    id(
      `insert into rotor.tasks (kind, secret_id, dependency_id, version_id, run_id, urgent, assignment, due_at)
       values ('enter', $1, $2, $3, $4, false, '{}', now()) returning id`,
      [secretId, dependencyId, versionId, openRun],
    );
  const stateOf = async (taskId: string): Promise<unknown> => {
    const { rows } = await database.pool.query<{ state: string }>(
      'select state from rotor.tasks where id = $1',
      [taskId],
    );
    return rows[0]?.state;
  };
  const settle = (taskId: string, state: string): Promise<string> =>
    sql(`update rotor.tasks set state = $2, settled_at = now(), settled_by = 'ops' where id = $1`, [
      taskId,
      state,
    ]);

  test('one is open for a version at a place, and what is settled stays so', async () => {
    const versionId = await version('active');
    const taskId = await open(versionId);
    await expect(open(versionId)).rejects.toThrow('tasks_open');
    expect(await settle(taskId, 'confirmed')).toBe('done');
    expect(await settle(taskId, 'declined')).toContain('stays so');
    const other = await version('active');
    expect(
      await sql('update rotor.tasks set version_id = $2 where id = $1', [taskId, other]),
    ).toContain('never changes');
  });

  test.each(['revoked', 'ended'])(
    'it closes with its version (%s), whoever ends that',
    async (to) => {
      const versionId = await version('active');
      const taskId = await open(versionId);
      expect(await move(versionId, to)).toBe('done');
      expect(await stateOf(taskId)).toBe('closed');
    },
  );

  test('a link opens once, and is never changed', async () => {
    const taskId = await open(await version('active'));
    const linkId = await id(
      `insert into rotor.task_links (task_id, hash, issued_by, expires_at)
       values ($1, '\\x01', 'ops', now() + interval '1 hour') returning id`,
      [taskId],
    );
    const change = (set: string): Promise<string> =>
      sql(`update rotor.task_links set ${set} where id = $1`, [linkId]);
    expect(await change(`expires_at = now() + interval '1 year'`)).toContain('opens once');
    expect(await change('opened_at = now()')).toBe('done');
    expect(await change('opened_at = null')).toContain('opens once');
    expect(await sql('delete from rotor.task_links where id = $1', [linkId])).toContain(
      'permission',
    );
  });

  test('it closes with its run', async () => {
    const taskId = await open(await version('active'));
    const outcome = `update rotor.runs set state = 'ended', outcome = 'superseded', ended_at = now() where id = $1`;
    expect(await sql(outcome, [openRun])).toBe('done');
    expect(await stateOf(taskId)).toBe('closed');
  });
});
