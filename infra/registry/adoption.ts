/** Facts for a run that is only thought of, and versions made of credentials that are older than rotor. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Facts, RunFacts } from '../../domain/facts.js';
import type { Adoption, ImaginedRequest, SecretName } from '../../domain/registry.js';
import { inTransaction } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { readFacts, type TraitsOf } from './facts.js';
import { secretIdOf } from './named-secret.js';
import { readUseAgain } from './watermark.js';

interface Parts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly traitsOf: TraitsOf;
}

export async function imagine(
  { pool, traitsOf }: Parts,
  name: SecretName,
  request: ImaginedRequest,
): Promise<Facts | undefined> {
  const secretId = await secretIdOf(pool, name);
  if (secretId === undefined) return undefined;
  return readFacts(pool, traitsOf, { secretId, ...imaginedRun(request) });
}

/** A run that is not stored: its id finds nothing. */
export function imaginedRun({ kind, options, by }: ImaginedRequest): {
  readonly runId: string;
  readonly imagined: RunFacts;
} {
  const runId = randomUUID();
  const imagined: RunFacts = {
    runId,
    kind,
    state: 'requested',
    outcome: undefined,
    requestedBy: by,
    reason: '',
    requestedAt: new Date(),
    options,
    plan: undefined,
    decisions: [],
    requestedPerson: undefined,
    joinedPersons: [],
    approvals: [],
  };
  return { runId, imagined };
}

/** Idempotent by the credential: adopted again, it is the version that it was. */
export async function adopt(
  { pool, audit }: Parts,
  adoption: Adoption,
): Promise<{ ordinal: number }> {
  return inTransaction(pool, async (db) => {
    await db.query('select 1 from rotor.secrets where id = $1 for update', [adoption.secretId]);
    const { rows } = await db.query<{ ordinal: number }>(
      `insert into rotor.versions (id, secret_id, ordinal, state, is_current, origin, value,
         credential_id, expires_at, activated_at, confirmed_at)
       select $1, $2, 1 + coalesce((select max(ordinal) from rotor.versions where secret_id = $2), 0),
         'active', first.it, 'adopted', $3, $4, $5, clock_timestamp(),
         case when first.it then clock_timestamp() end
       from (select not exists (select from rotor.versions v
               where v.secret_id = $2 and v.is_current) as it) first
       on conflict (secret_id, credential_id) where credential_id is not null do update
         set value = case when rotor.versions.value = 'unknown' then excluded.value
                     else rotor.versions.value end
       returning ordinal`,
      [
        adoption.versionId,
        adoption.secretId,
        adoption.value,
        adoption.credentialId,
        adoption.expiresAt ?? null,
      ],
    );
    await readUseAgain(db, adoption.secretId);
    const event = { change: 'version-adopted', ...adoption };
    await audit.append(db, adoption.secretId, [{ actor: adoption.by, event }]);
    return { ordinal: rows[0]?.ordinal ?? 0 };
  });
}
