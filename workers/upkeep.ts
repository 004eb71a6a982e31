/** A loop in every worker: what would be kept for ever otherwise is folded, or goes. One of them does it at a time. */
import type pg from 'pg';
import { dropWhatIsOver } from '../authority/upkeep.js';
import { oneAtATime } from '../infra/registry/turn.js';
import { dropOldSlots, foldUse } from '../infra/registry/upkeep.js';
import { startLoop, type Loop } from './loop.js';

export interface UpkeepParts {
  readonly pool: pg.Pool;
  readonly everyMs: number;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
}

const duties = {
  'old use could not be folded': foldUse,
  'old slots could not be dropped': dropOldSlots,
  'what the authority keeps no longer could not be dropped': dropWhatIsOver,
};

export function startUpkeep({ pool, everyMs, warn }: UpkeepParts): Loop {
  return startLoop(everyMs, async (signal) => {
    const isOver = (): boolean => signal.aborted;
    for (const [complaint, duty] of Object.entries(duties)) {
      if (isOver()) return;
      await oneAtATime(pool, 'rotor.upkeep', () => duty(pool, isOver)).catch((error: unknown) => {
        warn(complaint, { error: error instanceof Error ? error.name : 'unknown' });
      });
    }
  });
}
