/** Whether the daily sweep does what it is there for: what it would find stays unseen otherwise, and nothing says so. */
import type { SweepTold } from './progress.js';

export interface LastSweep {
  readonly running: boolean;
  /** Undefined: none ever began, as far as is remembered. */
  readonly startedAt: Date | undefined;
  /** Undefined while it runs, and where it failed. */
  readonly told: SweepTold | undefined;
}

const longestMs = 2 * 86_400_000;

export type SweepVerdict = 'fine' | 'not-known-yet' | { readonly overdue: string };

/** `since`: from when on there was something to sweep. */
export function judgeSweep(
  { running, startedAt, told }: LastSweep,
  { since, now }: { readonly since: Date | undefined; readonly now: Date },
): SweepVerdict {
  const begun = startedAt ?? since;
  if (since === undefined || begun === undefined) return 'fine';
  if (now.getTime() - begun.getTime() > longestMs)
    return { overdue: `no sweep has begun since ${begun.toISOString()}` };
  if (running) return 'not-known-yet';
  if (startedAt === undefined) return 'fine';
  const which = `the sweep of ${startedAt.toISOString()}`;
  if (told === undefined) return { overdue: `${which} failed` };
  return told.brokeOff === true
    ? { overdue: `${which} did not come to the end of all destinations` }
    : 'fine';
}
