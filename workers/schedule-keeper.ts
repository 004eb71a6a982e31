/** A loop in every worker beside the keeper: tells what is overdue, and compares the schedules of registry and Temporal. */
import { compareSchedules, tellOverdue } from './compare-schedules.js';
import type { Keeper } from './keeper.js';
import type { SchedulerParts } from './scheduler.js';

export interface ScheduleKeeperParts extends SchedulerParts {
  readonly everyMs: number;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
}

export function startScheduleKeeper(parts: ScheduleKeeperParts): Keeper {
  let stopped = false;
  let wake: () => void = () => undefined;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      // Each by itself: what is overdue is told while Temporal is away, too.
      await attempt(parts, 'overdue rotations could not be told', () => tellOverdue(parts));
      await attempt(parts, 'schedules could not be compared', () =>
        compareSchedules(parts, () => stopped),
      );
      if (stopped) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, parts.everyMs);
        // A process that stops does not wait for the next look.
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const done = loop();
  return {
    stop: () => {
      stopped = true;
      wake();
      return done;
    },
  };
}

async function attempt(
  { warn }: ScheduleKeeperParts,
  complaint: string,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    warn(complaint, { error: error instanceof Error ? error.name : 'unknown' });
  }
}
