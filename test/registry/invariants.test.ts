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
