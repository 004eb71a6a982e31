/** What becomes of a request for a secret that a run is busy with: a table, so that nobody is surprised. */
import { addsAcceptance, type Accepter } from './acceptance.js';
import type { RunOptions } from './facts.js';
import type { RunKind } from './run.js';

/**
 * `loses-acceptance`: it would join a run that may not do what this request permits. `contains-later`: it would
 * take over a run that contains sooner.
 */
export type BusyAnswer =
  'join' | 'queue' | 'refuse' | 'take-over' | 'loses-acceptance' | 'contains-later';

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
  if (asked.kind === 'compromise' && running.kind === 'compromise')
    return whileContaining(asked, running);
  if (isSameWork(asked, running)) return running.direction === 'back' ? 'queue' : 'join';
  if (asked.kind === 'rotate' && running.direction === 'back') return 'queue';
  return table[asked.kind][running.kind];
}

/** The same kind for the same versions: whoever asks again gets the run that is there. */
function isSameWork(asked: Asked, running: Running): boolean {
  return (
    asked.kind === running.kind &&
    covers(running.options, asked.options) &&
    covers(asked.options, running.options)
  );
}

/** A leak does not live on because somebody else allows it more time, and what is being contained stays contained. */
function whileContaining({ options: asked }: Asked, { options, ageMs }: Running): BusyAnswer {
  const askedMs = asked.replaceFirstMs ?? 0;
  const leftMs = (options.replaceFirstMs ?? 0) - ageMs;
  if (askedMs < leftMs) return 'take-over';
  if (covers(options, asked)) return 'join';
  return askedMs > Math.max(0, leftMs) ? 'contains-later' : 'take-over';
}

/** Whether the versions that one request ends are all ended by the other too, as far as that is sure. */
function covers(wide: RunOptions, narrow: RunOptions): boolean {
  const named = new Set(namedIn(wide));
  if (namedIn(narrow).some((id) => !named.has(id))) return false;
  if (narrow.versionIds !== undefined || wide.everyVersion === true) return true;
  if (narrow.leakedBefore !== undefined)
    return wide.leakedBefore !== undefined && wide.leakedBefore >= narrow.leakedBefore;
  return isWhatIsInUse(wide) && narrow.everyVersion !== true;
}

function namedIn({ versionIds = [], alsoVersionIds = [] }: RunOptions): string[] {
  return [...versionIds, ...alsoVersionIds];
}

/** Neither versions nor a moment were named. */
function isWhatIsInUse({ versionIds, leakedBefore, everyVersion }: RunOptions): boolean {
  return versionIds === undefined && leakedBefore === undefined && everyVersion !== true;
}

/** What a compromise that takes over has to contain: nothing that the other was asked for is left out. */
export function widened(asked: RunOptions, replaced: RunOptions): RunOptions {
  const {
    versionIds,
    alsoVersionIds: _also,
    everyVersion: _every,
    leakedBefore,
    ...options
  } = asked;
  const named = [...new Set([...namedIn(asked), ...namedIn(replaced)])];
  if (versionIds !== undefined && replaced.versionIds !== undefined)
    return { ...options, versionIds: named };
  return {
    ...options,
    ...momentOrEvery([asked, replaced], [leakedBefore, replaced.leakedBefore]),
    ...(named.length === 0 ? {} : { alsoVersionIds: named }),
  };
}

/** The later moment; and every version, where one of them names a moment and the other what is in use. */
function momentOrEvery(
  both: readonly RunOptions[],
  moments: readonly (string | undefined)[],
): RunOptions {
  const [latest] = moments
    .flatMap((moment) => moment ?? [])
    .sort()
    .reverse();
  const every = both.some(({ everyVersion }) => everyVersion === true);
  if (every || (latest !== undefined && both.some(isWhatIsInUse))) return { everyVersion: true };
  return latest === undefined ? {} : { leakedBefore: latest };
}

/** Whether what somebody accepted with this request would be said to nobody. Containing accepts everything. */
export function losesAcceptance(asked: Asked, running: Asked): boolean {
  return running.kind !== 'compromise' && addsAcceptance(asked, running);
}
