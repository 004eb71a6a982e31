/** What containing needs to know of every secret, without any value, as it is at one moment. */
import type { KnownSecret } from '../../domain/direct.js';
import type { Inventory } from '../direct/inventory-file.js';
import type { Queryable } from '../postgres.js';

export interface InventoryMark {
  /** Every change of a secret is an event of its trail: another number, another inventory. */
  readonly mark: string;
  /** The database knows less than it did: what was written before tells more. */
  readonly recovering: boolean;
}

export async function inventoryMark(db: Queryable): Promise<InventoryMark> {
  const { rows } = await db.query<InventoryMark>(
    `select (select coalesce(sum(count), 0)::text from rotor.audit_heads) as mark, recovering
     from rotor.installation`,
  );
  return rows[0] ?? { mark: '', recovering: false };
}

/** A row for each secret: read and parsed as they arrive, while the worker goes on with other things. */
const query = `
select i.id as "installationId", statement_timestamp() as "writtenAt", s.id as "secretId",
  o.name as organization, s.name, s.owner, s.issuer, s.specification,
  coalesce(v.versions, '[]') as versions, coalesce(d.dependents, '[]') as dependents
from rotor.installation i
left join (rotor.secrets s join rotor.organizations o on o.id = s.organization_id)
  on s.retired_at is null
left join (select v.secret_id, json_agg(json_strip_nulls(json_build_object('versionId', v.id,
    'ordinal', v.ordinal, 'state', v.state, 'current', v.is_current, 'origin', v.origin,
    'credentialId', v.credential_id)) order by v.ordinal) as versions
  from rotor.versions v where v.state not in ('revoked', 'ended') group by v.secret_id) v
  on v.secret_id = s.id
left join (select d.secret_id, json_agg(json_build_object('name', t.name, 'owner', t.owner,
    'connector', e.connector, 'destination', e.identity) order by t.name, e.identity) as dependents
  from rotor.dependencies d join rotor.dependents t on t.id = d.dependent_id
  join rotor.destinations e on e.id = d.destination_id
  where d.retired_at is null and t.retired_at is null group by d.secret_id) d
  on d.secret_id = s.id
order by o.name, s.name`;

type Row = Pick<Inventory, 'installationId' | 'writtenAt'> &
  (KnownSecret | { readonly secretId: null });

export async function readKnown(db: Queryable): Promise<Inventory> {
  const { rows } = await db.query<Row>(query);
  const [first] = rows;
  if (first === undefined) throw new Error('the database holds no installation');
  const { installationId, writtenAt } = first;
  return { installationId, writtenAt, secrets: rows.flatMap(secretOf) };
}

/** One row without a secret says that there is none. */
function secretOf({ installationId: _id, writtenAt: _at, ...row }: Row): KnownSecret[] {
  return row.secretId === null ? [] : [row as KnownSecret];
}
