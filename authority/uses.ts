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
  readonly uses: readonly ReportedUse[];
}

/**
 * The order matters: first the clock, then the oldest batch under way, then the rows. A batch that began
 * before the clock was read is either committed, and in the rows, or it is the limit.
 */
export async function usesSince(
  pool: pg.Pool,
  clientId: string,
  since: Date,
): Promise<ReportedUses> {
  const { rows: clock } = await pool.query<{ now: Date; oldest: Date | null }>(
    `with clock as materialized (select clock_timestamp() as now)
     select clock.now, (select min(a.xact_start) from pg_stat_activity a
       where a.application_name = $1 and a.datname = current_database()
         and a.state <> 'idle' and a.xact_start is not null) as oldest
     from clock`,
    [recorderName],
  );
  const now = clock[0]?.now ?? new Date(0);
  const oldest = clock[0]?.oldest;
  const completeThrough = oldest !== null && oldest !== undefined && oldest < now ? oldest : now;
  const { rows } = await pool.query<ReportedUse & { count: string }>(
    `select u.credential_id as "credentialId", u.source, u.outcome, u.minute,
       u.last_at as "lastAt", u.count
     from authority.uses u join authority.credentials c on c.id = u.credential_id
     where c.client_id = $1 and u.last_at >= $2 order by u.last_at`,
    [clientId, since],
  );
  return { now, completeThrough, uses: rows.map((row) => ({ ...row, count: Number(row.count) })) };
}
