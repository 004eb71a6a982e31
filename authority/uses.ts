/** The record of use as the authority reports it, and up to when it is complete. */
import type pg from 'pg';
import { recorderName } from './recorder.js';

export interface ReportedUse {
  readonly credentialId: string;
  readonly source: Readonly<Record<string, string>>;
  readonly outcome: 'accepted' | 'refused';
  readonly minute: Date;
  readonly lastAt: Date;
  readonly count: number;
}

export interface ReportedUses {
  readonly now: Date;
  readonly completeThrough: Date;
  /** Where the question goes further back than what is kept: the moment that it is kept from. */
  readonly continuousSince?: Date;
  readonly uses: readonly ReportedUse[];
}

/** Twice as long as the first reading of a credential goes back. */
export const keptDays = 62;

interface Clock {
  readonly now: Date;
  readonly oldest: Date | null;
  readonly hidden: boolean;
}

/**
 * PostgreSQL shows what a session is doing to its own login only: so this is asked as the login that all
 * connections here share, and not as the role that they work as. One statement list is one transaction, after
 * which the role is as before.
 */
const clockQuery = `set local role none;
  with clock as materialized (select clock_timestamp() as now)
  select clock.now, a.oldest, a.hidden from clock, lateral (
    select min(xact_start) filter (where state <> 'idle') as oldest,
      coalesce(bool_or(query = '<insufficient privilege>' or state = 'disabled'), false) as hidden
    from pg_stat_activity
    where application_name = '${recorderName}' and datname = current_database()) a`;

/**
 * The order matters: first the clock, then the oldest batch under way, then the rows. A batch that began
 * before the clock was read is either committed, and in the rows, or it is the limit. A recorder of another
 * login does not show its batch: nothing after what was asked for is complete then.
 */
export async function usesSince(
  pool: pg.Pool,
  clientId: string,
  since: Date,
): Promise<ReportedUses> {
  const { now, oldest, hidden } = await readClock(pool);
  const limit = hidden ? since : (oldest ?? now);
  const completeThrough = limit < now ? limit : now;
  const { rows } = await pool.query<ReportedUse & { count: string }>(
    `select u.credential_id as "credentialId", u.source, u.outcome, u.minute,
       u.last_at as "lastAt", u.count
     from authority.uses u join authority.credentials c on c.id = u.credential_id
     where c.client_id = $1 and u.last_at >= $2 order by u.last_at`,
    [clientId, since],
  );
  const kept = new Date(now.getTime() - keptDays * 86_400_000);
  return {
    now,
    completeThrough,
    ...(since < kept ? { continuousSince: kept } : {}),
    uses: rows.map((row) => ({ ...row, count: Number(row.count) })),
  };
}

async function readClock(pool: pg.Pool): Promise<Clock> {
  const results = (await pool.query(clockQuery)) as unknown as pg.QueryResult<Clock>[];
  const clock = results.at(-1)?.rows[0];
  if (clock === undefined) throw new Error('the database told no time');
  return clock;
}
