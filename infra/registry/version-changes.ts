/** How versions come into the registry, move from state to state, and become the current one. */
import type { Change, VersionMoved, VersionNamed } from '../../domain/change.js';
import type { Facts } from '../../domain/facts.js';
import type { Queryable } from '../postgres.js';
import { nextOrdinal } from './facts.js';
import { one } from './one-row.js';
import { readUseAgain } from './watermark.js';

export async function nameVersion(
  db: Queryable,
  change: VersionNamed,
  facts: Facts,
): Promise<void> {
  await one(
    db,
    `insert into rotor.versions (id, secret_id, ordinal, state, origin, value, credential_id,
       expires_at, run_id, activated_at)
     values ($1, $2, $3, $4::text, $5, $6, $7, $8, $9,
       case when $4::text = 'pending' then null else clock_timestamp() end)`,
    [
      change.versionId,
      facts.secret.secretId,
      nextOrdinal(facts.versions),
      change.state,
      change.origin,
      change.value,
      change.credentialId ?? null,
      change.expiresAt ?? null,
      change.origin === 'minted' ? facts.run.runId : null,
    ],
  );
  if (change.credentialId !== undefined) await readUseAgain(db, facts.secret.secretId);
}

export async function moveVersion(db: Queryable, change: VersionMoved): Promise<void> {
  await one(
    db,
    `update rotor.versions set state = $3::text,
       credential_id = coalesce($4, credential_id),
       expires_at = coalesce($5, expires_at),
       activated_at = case when $3::text = 'active' then coalesce(activated_at, clock_timestamp()) else activated_at end,
       disabled_at = case when $3::text = 'disabled' then $11::timestamptz when $3::text = 'retiring' then null else disabled_at end,
       disabled_until = $6,
       ended_cause = $7,
       grant_id = $8,
       revoked_at = case when $3::text = 'revoked' then clock_timestamp() end,
       is_current = is_current and $3::text not in ('revoked', 'ended'),
       outlived = coalesce($9, outlived),
       brought_back = brought_back + $10
     where id = $1 and state = $2`,
    [
      change.versionId,
      change.from,
      change.to,
      change.credentialId ?? null,
      change.expiresAt ?? null,
      change.disabledUntil ?? null,
      change.cause ?? null,
      change.grantId ?? null,
      change.outlived ?? null,
      change.broughtBack === true ? 1 : 0,
      change.disabledAt ?? null,
    ],
  );
}

/** The mark `current` flips; versions that were in service begin to retire. */
export async function confirmVersion(
  db: Queryable,
  { versionId }: Extract<Change, { change: 'version-confirmed' }>,
  facts: Facts,
): Promise<void> {
  const { secretId } = facts.secret;
  await db.query(
    `update rotor.versions set is_current = false,
       state = case when state = 'active' then 'retiring' else state end
     where secret_id = $1 and id <> $2 and (is_current or state = 'active')`,
    [secretId, versionId],
  );
  await one(
    db,
    `update rotor.versions set is_current = true, confirmed_at = clock_timestamp(),
       state = case when state = 'retiring' then 'active' else state end
     where id = $1 and state in ('active', 'retiring')`,
    [versionId],
  );
}
