/** Records of use as issuers answer them: from a log that tells of everything, or from looks in between. */
import type { ObservedUse, UseRecord } from '../domain/issuer.js';

export interface LogReading {
  /** The issuer's clock at the end of what was read. */
  readonly now: Date;
  readonly completeThrough: Date;
  /** From here on nothing is missing in what was read. */
  readonly continuousSince: Date;
}

export function exactRecord(
  { now, completeThrough, continuousSince }: LogReading,
  since: Date,
  uses: readonly ObservedUse[],
): UseRecord {
  return {
    kind: 'exact',
    completeThrough,
    // What was asked for begins later: others have read what was before.
    continuousSince: continuousSince > since ? continuousSince : undefined,
    resolutionMs: 1,
    issuerNow: now,
    uses,
  };
}

export interface Sample {
  readonly now: Date;
  readonly since: Date | undefined;
  readonly uses: readonly ObservedUse[];
  readonly resolutionMs: number;
}

export function sampledRecord({ now, since, uses, resolutionMs }: Sample): UseRecord {
  return {
    kind: 'sampled',
    completeThrough: now,
    continuousSince: since,
    resolutionMs,
    issuerNow: now,
    uses,
  };
}

/** Looks that are farther apart are no samples of the time between. */
export const longestPauseMs = 5 * 60_000;

/** Nobody looked since then: the samples begin now. */
export function sinceLooks(since: Date, now: Date): Date | undefined {
  return now.getTime() - since.getTime() > longestPauseMs ? now : undefined;
}
