/** What a run waits for: what passes as planned, and what was put off, so that a person has to look. */
import type { Facts, WaitFacts } from './facts.js';

/** Held until a moment, if those who use it stop, or the record goes on: the moment comes again as long as they do not. */
const comesAgain: ReadonlySet<string> = new Set([
  'undeclared-use',
  'version-in-use',
  'breaks-dependents',
  'record-missing',
  'record-stands-still',
]);

/** The run tries again by itself, at once. */
export const retrying = 'retrying';

/** A record is never quite up to now: so much later is as it was said. */
const graceMs = 10_000;

/** For the run's row, for who is told, and for who counts: all of them go by this. */
export function waitAfter(
  { now, run: { wait } }: Pick<Facts, 'now' | 'run'>,
  { code, until }: Pick<WaitFacts, 'code' | 'until'>,
): WaitFacts {
  // One failed try takes no promise back.
  if (code === retrying) return { code, until, promised: wait?.promised, held: false };
  if (until === undefined || !comesAgain.has(code))
    return { code, until, promised: undefined, held: false };
  const promised = wait?.promised ?? until;
  const putOff = now >= promised && until.getTime() > promised.getTime() + graceMs;
  return { code, until, promised, held: wait?.held === true || putOff };
}

/** Nobody need be told what they were told already. */
export function isNewlyHeld(before: WaitFacts | undefined, { code, held }: WaitFacts): boolean {
  return held && !(before?.held === true && before.code === code);
}
