/** What is kept for ever otherwise: use is folded from minutes to days, and slots that are long over go. A few rows at a time. */
import type pg from 'pg';
import { inTransaction, type Queryable } from '../postgres.js';

/** Days that began and ended before this are folded. Nothing asks for minutes that are older than a day. */
export const foldedAfterDays = 3;

const over = `date_trunc('day', clock_timestamp() at time zone 'UTC') at time zone 'UTC'
  - interval '${foldedAfterDays} days'`;

const due = `
  select distinct v.secret_id as "secretId" from rotor.versions v where exists (
    select from rotor.use u where u.version_id = v.id and not u.folded and u.minute < ${over})`;

/**
 * One row per version, source, outcome and day is left: the first minute's, with the first and the last moment and the
 * count of all. Refusals before and after the call of the version's revoke stay apart, as metrics count them.
 */
const fold = `
  with days as (
    select distinct u.version_id, u.source_key, u.outcome,
      date_trunc('day', u.minute at time zone 'UTC') at time zone 'UTC' as day
    from rotor.use u join rotor.versions v on v.id = u.version_id
    where v.secret_id = $1 and not u.folded and u.minute < ${over} limit $2),
  minutes as (
    select u.*, u.outcome = 'refused' and u.last_at >= g.called_at as late, d.day
    from days d join rotor.use u using (version_id, source_key, outcome)
    join rotor.versions v on v.id = u.version_id left join rotor.grants g on g.id = v.grant_id
    where u.minute >= d.day and u.minute < d.day + interval '1 day'),
  whole as (
    select version_id, source_key, outcome, min(minute) as minute, min(first_at) as first_at,
      max(last_at) as last_at, sum(count) as count
    from minutes group by version_id, source_key, outcome, day, late),
  gone as (
    delete from rotor.use u using minutes m
    where (u.version_id, u.source_key, u.outcome, u.minute) = (m.version_id, m.source_key, m.outcome, m.minute)
      and not exists (select from whole w where (w.version_id, w.source_key, w.outcome, w.minute)
        = (m.version_id, m.source_key, m.outcome, m.minute)))
  update rotor.use u set first_at = w.first_at, last_at = w.last_at, count = w.count, folded = true
  from whole w where (u.version_id, u.source_key, u.outcome, u.minute)
    = (w.version_id, w.source_key, w.outcome, w.minute)`;

/** At most so many days of sources in one transaction. */
const daysAtOnce = 50;

/** Where it is over before its time, the rest comes next time. */
export async function foldUse(pool: pg.Pool, isOver: () => boolean): Promise<void> {
  const { rows } = await pool.query<{ secretId: string }>(due);
  for (const { secretId } of rows)
    while (!isOver() && (await inTransaction(pool, (db) => foldSome(db, secretId))) > 0);
}

/** Whoever copies use of the secret waits: a row that it finds, and one that it does not, is as it seems. */
async function foldSome(db: Queryable, secretId: string): Promise<number> {
  await db.query('select 1 from rotor.use_records where secret_id = $1 for update', [secretId]);
  const { rowCount } = await db.query(fold, [secretId, daysAtOnce]);
  return rowCount ?? 0;
}

const slotsAtOnce = 1_000;

/** Of each zone the newest one that is settled stays: the next ones begin after it. */
export async function dropOldSlots(db: Queryable, isOver: () => boolean): Promise<void> {
  let dropped: number;
  do {
    const { rowCount } = await db.query(
      `delete from rotor.schedule_slots where (secret_id, zone, slot) in (
         select l.secret_id, l.zone, l.slot from rotor.schedule_slots l
         where l.at < clock_timestamp() - interval '1 year' and exists (
           select from rotor.schedule_slots n where n.secret_id = l.secret_id and n.zone = l.zone
             and n.state in ('requested', 'missed') and n.slot > l.slot)
         limit ${slotsAtOnce})`,
    );
    dropped = rowCount ?? 0;
  } while (dropped === slotsAtOnce && !isOver());
}
