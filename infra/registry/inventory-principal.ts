/** Live versions are found where they were made: a declaration does not move a secret that has any. */
import type { SecretDeclaration } from '../../domain/declarations.js';
import {
  isSame,
  type Applying,
  type CheckedSpecification,
  type Place,
} from './inventory-change.js';

interface Before {
  readonly issuer: string;
  readonly specification: unknown;
}

/** Locks the secret's row; false where the declaration has a problem. */
export async function staysWhereItIs(
  to: Applying,
  place: Place,
  { declared, wanted }: { declared: SecretDeclaration; wanted: CheckedSpecification },
): Promise<boolean> {
  const before = await lockWithLiveVersions(to, place, declared.name);
  if (before === undefined) return true;
  const path = `${place.organization}/${declared.name}`;
  if (before.issuer !== declared.issuer) {
    to.problems.push(moved(`${path}.issuer`, before.issuer, declared.issuer));
    return false;
  }
  if (isSame(before.specification, wanted.specification)) return true;
  const was = to.parts.checks.specification(before.issuer, before.specification);
  const principal = 'value' in was ? was.value.principal : 'not known any more';
  if (principal === wanted.principal) return true;
  to.problems.push(moved(`${path}.specification`, principal, wanted.principal));
  return false;
}

async function lockWithLiveVersions(
  { db }: Applying,
  { organizationId }: Place,
  name: string,
): Promise<Before | undefined> {
  const { rows } = await db.query<Before & { id: string }>(
    `select id, issuer, specification from rotor.secrets
     where organization_id = $1 and name = $2 and retired_at is null for update`,
    [organizationId, name],
  );
  // Asked once the lock is there: a version may have been made while it was waited for.
  const { rows: live } = await db.query(
    `select 1 from rotor.versions where secret_id = $1 and state not in ('revoked', 'ended') limit 1`,
    [rows[0]?.id],
  );
  return live.length > 0 ? rows[0] : undefined;
}

function moved(path: string, was: string, wanted: string): Applying['problems'][number] {
  return {
    path,
    message: `it was ${was} and has live versions there, which would not be found at ${wanted}`,
    hint: 'declare a new secret, move its dependents there and decommission this one; nothing was changed',
  };
}
