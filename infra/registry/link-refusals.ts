/** Refused openings of a link: counted, and on record once a minute at most, since anybody may press a dead one. */
import type { LinkRefusal } from '../../domain/showing.js';
import type { Queryable } from '../postgres.js';

/** Nothing makes it open again. */
const forGood: readonly LinkRefusal[] = ['opened-before', 'expired', 'replaced'];

/** Without any other lock. Undefined: the facts have to be asked, or the trail has to be told. */
export async function refusedLately(
  db: Queryable,
  linkId: string,
): Promise<LinkRefusal | undefined> {
  const { rows } = await db.query<{ why: LinkRefusal }>(
    `update rotor.link_refusals set times = times + 1
     where link_id = $1 and why = any($2) and noted_at > clock_timestamp() - interval '1 minute'
     returning why`,
    [linkId, forGood],
  );
  return rows[0]?.why;
}

export interface CountedRefusal {
  /** Of the link, this one among them. */
  readonly times: number;
  /** Whether the trail is to be told. */
  readonly isDue: boolean;
}

/** Under the lock of the task's secret. */
export async function countRefusal(
  db: Queryable,
  linkId: string,
  why: LinkRefusal,
): Promise<CountedRefusal> {
  const { rows } = await db.query<CountedRefusal>(
    `insert into rotor.link_refusals as r (link_id, why, times, noted_at) values ($1, $2, 1, now())
     on conflict (link_id) do update set times = r.times + 1, why = excluded.why,
       noted_at = case when r.noted_at > clock_timestamp() - interval '1 minute' then r.noted_at else now() end
     returning times, noted_at = now() as "isDue"`,
    [linkId, why],
  );
  return rows[0] ?? { times: 1, isDue: true };
}
