/** What is said of effects whose run may be over already: the newest lease of a destination, and that an attempt has ended. */
import type { NewestLease } from '../../domain/registry.js';
import type { Queryable } from '../postgres.js';

export async function newestLease(
  db: Queryable,
  destinationId: string,
): Promise<NewestLease | undefined> {
  const { rows } = await db.query<NewestLease>({
    name: 'newest-lease',
    text: `select l.generation::int as generation, l.version_id as "versionId",
             v.state not in ('revoked', 'ended') as deliverable,
             exists (select from rotor.dependencies d
               join rotor.withholdings w on w.dependent_id = d.dependent_id and w.released_at is null
               where d.destination_id = l.destination_id and d.secret_id = v.secret_id
                 and d.retired_at is null and (w.secret_id is null or w.secret_id = d.secret_id)
             ) as withheld
           from rotor.leases l join rotor.versions v on v.id = l.version_id
           where l.destination_id = $1`,
    values: [destinationId],
  });
  return rows[0];
}

export async function settleDelivery(
  db: Queryable,
  destinationId: string,
  generation: number,
): Promise<void> {
  await db.query(
    `update rotor.leases l set contested = coalesce((select jsonb_agg(c)
         from jsonb_array_elements(l.contested) c where (c->>'generation')::bigint <> $2), '[]')
     where destination_id = $1`,
    [destinationId, generation],
  );
}

/** Nothing is made any more by it; what it has made is still to be found, so it is not finished. */
export async function settleMint(db: Queryable, effectId: string): Promise<void> {
  await db.query(
    `update rotor.effects set deadline = least(deadline, clock_timestamp())
     where id = $1 and kind = 'mint'`,
    [effectId],
  );
}
