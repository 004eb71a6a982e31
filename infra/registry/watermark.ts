/** Up to where an issuer's record of use was read, without a gap since when. */
import type { UseRecord } from '../../domain/issuer.js';
import { clockNoiseMs, firstReadingMs } from '../../domain/quiet.js';
import type { Queryable } from '../postgres.js';

/** A record as it was read: `since` is what was asked for. */
export interface Reading {
  readonly secretId: string;
  readonly record: UseRecord;
  readonly since: Date;
}

interface Moved {
  /** The issuer's clock minus the database's. */
  readonly skewMs: number;
}

/**
 * The watermark advances by a reading that began at or before it, and stays where a reading left something out
 * (`readUseAgain` came in between). A gap in the record moves the beginning of what is continuous. All else in
 * the registry is told by the database's clock, so the issuer's is compared with that, not with a worker's.
 * An issuer whose clock is behind the beginning of the reading was put back: it could tell nothing, so the record
 * begins anew and is read again.
 */
export async function moveWatermark(
  db: Queryable,
  { secretId, record, since }: Reading,
): Promise<Moved> {
  const { rows } = await db.query<{ skew: string }>({
    name: 'move-watermark',
    text: `insert into rotor.use_records as r
       (secret_id, kind, complete_through, continuous_since, resolution_ms, skew_ms)
     values ($1, $2, $3, coalesce($4::timestamptz, $7::timestamptz), $5,
       round(extract(epoch from $6::timestamptz - clock_timestamp()) * 1000))
     on conflict (secret_id) do update set kind = $2,
       complete_through = case
         when $9
           then least(r.complete_through, $6::timestamptz - make_interval(secs => $8))
         when $7::timestamptz <= r.complete_through then greatest(r.complete_through, $3)
         else r.complete_through end,
       continuous_since = case when $9 then $6::timestamptz
         else greatest(r.continuous_since, $4::timestamptz) end,
       resolution_ms = $5, skew_ms = excluded.skew_ms, read_at = clock_timestamp()
     returning r.skew_ms as skew`,
    values: [
      secretId,
      record.kind,
      record.completeThrough,
      record.continuousSince ?? null,
      record.resolutionMs,
      record.issuerNow,
      since,
      firstReadingMs / 1_000,
      record.issuerNow.getTime() + clockNoiseMs < since.getTime(),
    ],
  });
  return { skewMs: Number(rows[0]?.skew ?? 0) };
}

/**
 * A credential became known whose earlier use was not copied: the record is read again from the beginning, and
 * stands still until then, so that its silence proves nothing. The caller holds the secret's row for update: before
 * the first reading there is no row here to wait at, and none to put back.
 */
export async function readUseAgain(db: Queryable, secretId: string): Promise<void> {
  await db.query(
    `update rotor.use_records set
       complete_through = least(complete_through, clock_timestamp() - make_interval(secs => $2)),
       continuous_since = greatest(continuous_since, clock_timestamp() - make_interval(secs => $2))
     where secret_id = $1`,
    [secretId, firstReadingMs / 1_000],
  );
}
