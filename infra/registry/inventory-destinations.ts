/** Makes sure that every declared destination has its row, and locks it before any secret is. */
import type { DependencyDeclaration, OrganizationDeclaration } from '../../domain/declarations.js';
import type { Queryable } from '../postgres.js';
import type { Applying, Destinations } from './inventory-change.js';

/** One order for everybody who locks several: connector, then identity. */
export async function lockDestinations(
  { db }: Pick<Applying, 'db'>,
  organizations: readonly OrganizationDeclaration[],
): Promise<Destinations> {
  const wanted = organizations.flatMap(({ secrets }) => secrets.flatMap((one) => one.dependencies));
  const ids = new Map<DependencyDeclaration, string>();
  for (const one of wanted.sort(inOrder)) ids.set(one, await ensure(db, one));
  return ids;
}

function inOrder(one: DependencyDeclaration, other: DependencyDeclaration): number {
  return compare(one.connector, other.connector) || compare(one.identity, other.identity);
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

async function ensure(
  db: Queryable,
  { connector, identity, destination }: DependencyDeclaration,
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into rotor.destinations (connector, identity, address) values ($1, $2, $3)
     on conflict (connector, identity) do update set address = excluded.address returning id`,
    [connector, identity, destination],
  );
  return rows[0]?.id ?? '';
}
