/** One store of several: each value is looked for where it was put, whatever is configured now. */
import { AdapterError } from '../../domain/errors.js';
import type { Store } from '../../domain/store.js';
import type { Queryable } from '../postgres.js';

export interface Placed {
  readonly place: string;
  readonly store: Store;
}

export interface Places {
  readonly pool: Queryable;
  /** rotor's own database: what has no place on record may lie there. */
  readonly sealed: Store;
  /** Where new values go. Undefined: into `sealed`. */
  readonly chosen: Placed | undefined;
  /** Of the others that are configured; undefined where there is none at this place. */
  formerAt(place: string): Store | undefined;
}

export function placedStore(places: Places): Store {
  const { sealed, chosen } = places;
  return {
    kind: chosen?.store.kind ?? sealed.kind,
    put: async (versionId, value) => (await storeToPut(places, versionId)).put(versionId, value),
    get: async (versionId) => {
      // The usual installation has no other store: one question, not two.
      const own = chosen === undefined ? await sealed.get(versionId) : undefined;
      if (own !== undefined) return own;
      const noted = await notedPlace(places, versionId);
      if (noted !== undefined) return storeAt(places, noted).get(versionId);
      // A database that was set back knows nothing of what was put later.
      return (await sealed.get(versionId)) ?? (await chosen?.store.get(versionId));
    },
    destroy: async (versionId) => {
      const noted = await notedPlace(places, versionId);
      await sealed.destroy(versionId);
      if (noted === undefined) return chosen?.store.destroy(versionId);
      await storeAt(places, noted).destroy(versionId);
      await places.pool.query('delete from sealed.places where value_id = $1', [versionId]);
    },
  };
}

async function notedPlace({ pool }: Places, versionId: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ place: string }>(
    'select place from sealed.places where value_id = $1',
    [versionId],
  );
  return rows[0]?.place;
}

/** A retry goes where the attempt before it went, so that a version never has two values. */
async function storeToPut(places: Places, versionId: string): Promise<Store> {
  const { pool, sealed, chosen } = places;
  if (chosen !== undefined)
    await pool.query(
      `insert into sealed.places (value_id, place)
       select $1, $2 where not exists (select from sealed.values where version_id = $1)
       on conflict do nothing`,
      [versionId, chosen.place],
    );
  const noted = await notedPlace(places, versionId);
  return noted === undefined ? sealed : storeAt(places, noted);
}

function storeAt({ chosen, formerAt }: Places, place: string): Store {
  const found = place === chosen?.place ? chosen.store : formerAt(place);
  if (found !== undefined) return found;
  throw new AdapterError(
    'unreadable',
    `the value lies in ${place}, which rotor.yaml names neither under store nor under formerStores`,
  );
}

export interface PlaceCount {
  readonly place: string;
  readonly values: number;
  readonly one: string;
}

/** Where values lie that are not in `sealed`, with one of each. */
export async function placesInUse(pool: Queryable): Promise<readonly PlaceCount[]> {
  const { rows } = await pool.query<PlaceCount>(
    `select place, count(*)::int as values, min(value_id::text) as one
     from sealed.places group by place order by place`,
    [],
  );
  return rows;
}
