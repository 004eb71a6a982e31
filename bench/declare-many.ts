/** Thousands of dependents of one secret, each with a place of its own. */
import type { Evidence } from '../domain/evidence.js';
import type { World } from '../test/engine/world.js';

export async function declareMany(
  { database, secretId }: World,
  { count, evidence }: { readonly count: number; readonly evidence: Evidence },
): Promise<void> {
  await database.ownerPool.query(
    `with made as (
       insert into rotor.dependents (organization_id, name, owner)
       select o.id, 'n' || n, 'team' from rotor.organizations o, generate_series(1, $2::int) n returning id, name),
     places as (
       insert into rotor.destinations (connector, identity, address)
       select 'memory', 'n' || n, '{}' from generate_series(1, $2::int) n returning id, identity)
     insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner, least_evidence, seen_as, picks_up_within_ms)
     select $1, made.id, places.id, 'team', $3, jsonb_build_object('userAgent', made.name), 0
     from made join places on places.identity = made.name`,
    [secretId, count, evidence],
  );
  await database.ownerPool.query('analyze');
}
