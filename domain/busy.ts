/** What becomes of a request for a secret that a run is busy with: a table, so that nobody is surprised. */
import { addsAcceptance, type Accepter } from './acceptance.js';
import type { RunOptions } from './facts.js';
import type { RunKind } from './run.js';

/** `loses-acceptance`: it would join a run that may not do what this request permits. */
export type BusyAnswer = 'join' | 'queue' | 'refuse' | 'take-over' | 'loses-acceptance';

/** Asked (row) while running (column). */
const table: Readonly<Record<RunKind, Readonly<Record<RunKind, BusyAnswer>>>> = {
  rotate: { rotate: 'join', compromise: 'join', revoke: 'queue', decommission: 'refuse' },
  compromise: {
    rotate: 'take-over',
    compromise: 'take-over',
    revoke: 'take-over',
    decommission: 'take-over',
  },
  revoke: { rotate: 'refuse', compromise: 'refuse', revoke: 'refuse', decommission: 'refuse' },
  decommission: { rotate: 'queue', compromise: 'queue', revoke: 'queue', decommission: 'join' },
};

export interface Asked extends Accepter {
  readonly kind: RunKind;
}

export interface Running extends Asked {
  readonly direction: 'forward' | 'back';
  /** Since when it was asked for. */
  readonly ageMs: number;
}

export function answerWhenBusy(asked: Asked, running: Running): BusyAnswer {
  const answer = answerTo(asked, running);
  return answer === 'join' && losesAcceptance(asked, running) ? 'loses-acceptance' : answer;
}

function answerTo(asked: Asked, running: Running): BusyAnswer {
  if (isSameWork(asked, running)) {
    if (containsSooner(asked, running)) return 'take-over';
    return running.direction === 'back' ? 'queue' : 'join';
  }
  if (asked.kind === 'rotate' && running.direction === 'back') return 'queue';
  return table[asked.kind][running.kind];
}

/** The same kind for the same versions: whoever asks again gets the run that is there. */
function isSameWork(asked: Asked, running: Running): boolean {
  return asked.kind === running.kind && scope(asked.options) === scope(running.options);
}

function scope({ versionIds, everyVersion, leakedBefore }: RunOptions): string {
  return JSON.stringify([[...(versionIds ?? [])].sort(), everyVersion ?? false, leakedBefore]);
}

/** A leak does not live on because somebody else allowed it more time. */
function containsSooner(asked: Asked, running: Running): boolean {
  if (asked.kind !== 'compromise') return false;
  const leftMs = (running.options.replaceFirstMs ?? 0) - running.ageMs;
  return (asked.options.replaceFirstMs ?? 0) < leftMs;
}

/** Whether what somebody accepted with this request would be said to nobody. Containing accepts everything. */
export function losesAcceptance(asked: Asked, running: Asked): boolean {
  return running.kind !== 'compromise' && addsAcceptance(asked, running);
}
