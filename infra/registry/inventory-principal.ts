/** A secret with live versions stays where it is, also when the first of them is made while declarations are applied. */
import { movedAway, type Origin, type SecretDeclaration } from '../../domain/declarations.js';
import { changedMeanwhile, type Applying, type Place } from './inventory-change.js';

/** Locks the secret's row. Throws `declarations-raced`: what was known before has been checked already. */
export async function refuseMove(
  to: Applying,
  place: Place,
  declared: SecretDeclaration,
): Promise<void> {
  const before = await lockWithLiveVersions(to, place, declared.name);
  if (before === undefined || movedAway(before, declared) === undefined) return;
  throw changedMeanwhile(`a version of ${place.organization}/${declared.name} was made elsewhere`);
}

async function lockWithLiveVersions(
  { db, parts }: Applying,
  { organizationId }: Place,
  name: string,
): Promise<Origin | undefined> {
  const { rows } = await db.query<{ id: string; issuer: string; specification: unknown }>(
    `select id, issuer, specification from rotor.secrets
     where organization_id = $1 and name = $2 and retired_at is null for update`,
    [organizationId, name],
  );
  const [found] = rows;
  if (found === undefined) return undefined;
  // Asked once the lock is there: a version may have been made while it was waited for.
  const { rows: live } = await db.query(
    `select 1 from rotor.versions where secret_id = $1 and state not in ('revoked', 'ended') limit 1`,
    [found.id],
  );
  if (live.length === 0) return undefined;
  const { issuer, specification } = found;
  return { issuer, principal: parts.principalOf(issuer, specification) };
}
