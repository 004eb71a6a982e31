/** Locks the destinations and secrets that are declared, in the order that everybody keeps: each by id. */
import type { DependencyDeclaration, OrganizationDeclaration } from '../../domain/declarations.js';
import { canonicalText } from '../../trail/canonical.js';
import type { Applying, Destinations, Place } from './inventory-change.js';

type Locking = Pick<Applying, 'db'>;

/** New rows first, which nobody else can hold; then all of them by id, as whoever locks several does. */
export async function lockDestinations(
  { db }: Locking,
  organizations: readonly OrganizationDeclaration[],
): Promise<Destinations> {
  const wanted = organizations.flatMap(({ secrets }) => secrets.flatMap((one) => one.dependencies));
  const places = new Map(wanted.map((one) => [keyOf(one), placeOf(one)]));
  const named = JSON.stringify([...places.values()]);
  await db.query(
    `insert into rotor.destinations (connector, identity, address)
     select connector, identity, address from ${rowsOf} order by connector, identity
     on conflict do nothing`,
    [named],
  );
  const { rows } = await db.query<{ id: string; connector: string; identity: string }>(
    `select id, connector, identity from rotor.destinations
     where (connector, identity) in (select connector, identity from ${rowsOf}) order by id for update`,
    [named],
  );
  await db.query(
    `update rotor.destinations d set address = w.address from ${rowsOf}
     where (d.connector, d.identity) = (w.connector, w.identity) and d.address is distinct from w.address`,
    [named],
  );
  const ids = new Map(rows.map((row) => [keyOf(row), row.id]));
  return new Map(wanted.map((one) => [one, ids.get(keyOf(one)) ?? '']));
}

/** Those that are there, in one statement: a new one is nobody else's yet. */
export async function lockSecrets(
  { db }: Locking,
  places: readonly Place[],
  declared: readonly OrganizationDeclaration[],
): Promise<void> {
  const named = places.flatMap(({ organizationId: organization_id }, index) =>
    (declared[index]?.secrets ?? []).map(({ name }) => ({ organization_id, name })),
  );
  await db.query(
    `select 1 from rotor.secrets where retired_at is null and (organization_id, name) in
       (select organization_id, name from jsonb_to_recordset($1::jsonb)
         as w(organization_id uuid, name text))
     order by id for update`,
    [JSON.stringify(named)],
  );
}

const rowsOf = 'jsonb_to_recordset($1::jsonb) as w(connector text, identity text, address jsonb)';

function keyOf({
  connector,
  identity,
}: Pick<DependencyDeclaration, 'connector' | 'identity'>): string {
  return canonicalText([connector, identity]);
}

function placeOf({ connector, identity, destination }: DependencyDeclaration) {
  return { connector, identity, address: destination };
}
