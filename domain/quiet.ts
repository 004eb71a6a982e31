/** How long nobody has used a version, by a record that is known to be complete. Silence of an incomplete record is no evidence. */
import { formatDuration } from './duration.js';
import { deliveryOf } from './progress.js';
import type { Facts, RecordFacts, UseFacts } from './facts.js';

/** A record that is this much behind, beyond its own resolution, stands still. */
export const recordLagMs = 10_000;
/** Readings that were written in another order than they were made differ by so much. */
export const clockNoiseMs = 1_000;

export interface Quiet {
  readonly quietMs: number;
  readonly neededMs: number;
  /** The earliest moment, by our clock, at which the quiet period can be over. */
  readonly earliest: Date;
  readonly enough: boolean;
}

/**
 * Quiet time = (moment up to which the record is complete) − (its resolution) − (last use, or the
 * last gap of the record).
 */
export function quietTime(facts: Facts, record: RecordFacts, uses: readonly UseFacts[]): Quiet {
  const lastUse = Math.max(0, ...uses.map(({ lastAt }) => lastAt.getTime()));
  const since = Math.max(lastUse, record.continuousSince.getTime());
  const quietMs = provenThrough(record) - record.resolutionMs - since;
  const neededMs = neededQuietMs(facts);
  const earliest = new Date(since + neededMs + record.resolutionMs - record.skewMs);
  return { quietMs, neededMs, earliest, enough: quietMs >= neededMs };
}

/** An issuer whose clock was put back has promised what its clock has not reached: that is no evidence. */
function provenThrough({ completeThrough, readAt, skewMs }: RecordFacts): number {
  const issuerNow = readAt.getTime() + skewMs;
  const isAhead = completeThrough.getTime() > issuerNow + clockNoiseMs;
  return isAhead ? issuerNow : completeThrough.getTime();
}

/** The policy's period, or longer: for propagation, and for dependents not yet seen on the successor. */
export function neededQuietMs(facts: Facts): number {
  const towards = facts.run.plan?.towards;
  const unseen = facts.dependencies.filter(
    ({ dependencyId }) =>
      towards === undefined || deliveryOf(facts, dependencyId, towards)?.evidence !== 'observed',
  );
  const rhythms = unseen.flatMap((d) => [d.usesAtLeastEveryMs ?? 0, d.picksUpWithinMs]);
  return Math.max(facts.policy.quietPeriodMs, facts.traits.propagationMs, ...rhythms);
}

export function acceptedUses(facts: Facts, versionId: string): UseFacts[] {
  return facts.uses.filter((use) => use.versionId === versionId && use.outcome === 'accepted');
}

/** The record ends too far in the past to say anything about now. */
export function standsStill(record: RecordFacts): boolean {
  const behind = record.readAt.getTime() + record.skewMs - record.completeThrough.getTime();
  return behind > record.resolutionMs + recordLagMs;
}

/** Clocks that are kept by NTP differ by far less. */
const worthTellingMs = 30_000;

/** That an issuer's clock is far from ours, for people: rotor reckons with it, while what expires there may not. */
export function clockTold(skewMs: number): string | undefined {
  if (Math.abs(skewMs) < worthTellingMs) return undefined;
  const off = formatDuration(Math.abs(skewMs));
  return `the issuer's clock is ${off} ${skewMs > 0 ? 'ahead of' : 'behind'} the database's`;
}

/** Read again from before the last reading: its last minute was not over. */
const overlapMs = 120_000;
/** The first reading goes back this far: quiet time may have passed before rotor looked. */
export const firstReadingMs = 31 * 86_400_000;

/** From where on the record of use is to be read next. */
export function readFrom(completeThrough: Date | undefined, now: Date): Date {
  return completeThrough === undefined
    ? new Date(now.getTime() - firstReadingMs)
    : new Date(completeThrough.getTime() - overlapMs);
}
