/** What a discovery asks the registry: which destinations there are, of whom, and who asked for it. */
import type pg from 'pg';
import type { KnownDestination } from '../../domain/discover/place.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';

/** Of declared dependencies, and of retired ones whose place may still hold something. */
export async function knownDestinations(db: Queryable, limit: number): Promise<KnownDestination[]> {
  const { rows } = await db.query<KnownDestination>(
    `select e.id as "destinationId", e.connector, e.identity, e.address,
       coalesce(array_agg(o.name || '/' || s.name || ' (' || t.name || ')' order by o.name, s.name, t.name)
         filter (where d.retired_at is null), '{}') as users,
       array_agg(distinct o.name) as organizations
     from rotor.destinations e join rotor.dependencies d on d.destination_id = e.id
     join rotor.dependents t on t.id = d.dependent_id join rotor.secrets s on s.id = d.secret_id
     join rotor.organizations o on o.id = s.organization_id
     where d.assignment is null
     group by e.id order by e.id limit $1`,
    [limit],
  );
  return rows;
}

/** Who looked for it, whatever is found. */
export async function noteDiscovery(
  { pool, audit }: { readonly pool: pg.Pool; readonly audit: AuditTrail },
  { secretId, by }: { readonly secretId: string; readonly by: string },
): Promise<void> {
  await inTransaction(pool, async (db) => {
    await db.query('select 1 from rotor.secrets where id = $1 for update', [secretId]);
    await audit.append(db, secretId, [{ actor: by, event: { change: 'discovery-asked' } }]);
  });
}
