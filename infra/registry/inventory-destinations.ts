/** Makes sure that every declared destination has its row, and locks it before any secret is. */
import type { DependencyDeclaration, OrganizationDeclaration } from '../../domain/declarations.js';
import type { Queryable } from '../postgres.js';
import {
  within,
  type Applying,
  type CheckedDestination,
  type Destinations,
} from './inventory-change.js';

interface Wanted extends CheckedDestination {
  readonly dependency: DependencyDeclaration;
}

/** One order for everybody who locks several: connector, then identity. What has a problem is left out. */
export async function lockDestinations(
  to: Omit<Applying, 'destinations'>,
  organizations: readonly OrganizationDeclaration[],
): Promise<Destinations> {
  const wanted = organizations.flatMap((organization) => wantedOf(to, organization));
  const ids = new Map<DependencyDeclaration, string>();
  for (const one of wanted.sort(inOrder)) ids.set(one.dependency, await ensure(to.db, one));
  return ids;
}

function wantedOf(
  { parts, problems }: Pick<Applying, 'parts' | 'problems'>,
  { name, secrets }: OrganizationDeclaration,
): Wanted[] {
  const wanted: Wanted[] = [];
  for (const secret of secrets) {
    for (const dependency of secret.dependencies) {
      const { connector, destination, dependent } = dependency;
      const checked = parts.checks.destination(connector, destination);
      const path = `${name}/${secret.name} → ${dependent}.destination`;
      if ('problems' in checked) problems.push(...within(path, checked.problems));
      else wanted.push({ ...checked.value, dependency });
    }
  }
  return wanted;
}

function inOrder(one: Wanted, other: Wanted): number {
  return (
    compare(one.dependency.connector, other.dependency.connector) ||
    compare(one.identity, other.identity)
  );
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

async function ensure(db: Queryable, { dependency, identity, address }: Wanted): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into rotor.destinations (connector, identity, address) values ($1, $2, $3)
     on conflict (connector, identity) do update set address = excluded.address returning id`,
    [dependency.connector, identity, address],
  );
  return rows[0]?.id ?? '';
}
