/** What nobody asks the authority for any more goes, a few rows at a time. */
import type pg from 'pg';
import { keptDays } from './uses.js';

/** A token that has ended and is tried so late is told from one that never was no more. */
const tokenDays = 31;
const rowsAtOnce = 5_000;

const expired = `delete from authority.tokens where hash in (
  select hash from authority.tokens where expires_at < clock_timestamp() - interval '${tokenDays} days' limit ${rowsAtOnce})`;

/** A day more than what is promised, so that nobody reads a part of it. */
const forgotten = `delete from authority.uses where ctid in (
  select ctid from authority.uses
  where minute < clock_timestamp() - interval '${keptDays + 1} days' limit ${rowsAtOnce})`;

/** Where it is over before its time, the rest comes next time. */
export async function dropWhatIsOver(pool: pg.Pool, isOver: () => boolean): Promise<void> {
  for (const statement of [expired, forgotten])
    while ((await pool.query(statement)).rowCount === rowsAtOnce && !isOver());
}
