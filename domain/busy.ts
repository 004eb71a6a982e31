/** What becomes of a request for a secret that a run is busy with: a table, so that nobody is surprised. */
import type { RunOptions } from './facts.js';
import type { RunKind } from './run.js';

export type BusyAnswer = 'join' | 'queue' | 'refuse' | 'take-over';

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

export interface Asked {
  readonly kind: RunKind;
  readonly options: RunOptions;
}

export interface Running extends Asked {
  readonly direction: 'forward' | 'back';
}

export function answerWhenBusy(asked: Asked, running: Running): BusyAnswer {
  if (isSameWork(asked, running)) return running.direction === 'back' ? 'queue' : 'join';
  if (asked.kind === 'rotate' && running.direction === 'back') return 'queue';
  return table[asked.kind][running.kind];
}

/** The same kind for the same versions: whoever asks again gets the run that is there. */
function isSameWork(asked: Asked, running: Running): boolean {
  return asked.kind === running.kind && scope(asked.options) === scope(running.options);
}

function scope({ versionIds, everyVersion }: RunOptions): string {
  return JSON.stringify([[...(versionIds ?? [])].sort(), everyVersion ?? false]);
}
