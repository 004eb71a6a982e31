/** A loop in every worker beside the keeper: tells what is overdue, and compares the schedules of registry and Temporal. */
import { codeOf } from '../activities/failures.js';
import { compareSchedules, tellOverdue } from './compare-schedules.js';
import { startLoop, type Loop } from './loop.js';
import type { SchedulerParts } from './scheduler.js';

export interface ScheduleKeeperParts extends SchedulerParts {
  readonly everyMs: number;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
}

export function startScheduleKeeper(parts: ScheduleKeeperParts): Loop {
  return startLoop(parts.everyMs, async (signal) => {
    // Each by itself: what is overdue is told while Temporal is away, too. The registry is read once for both.
    const secrets = await attempt(parts, 'overdue rotations could not be told', () =>
      tellOverdue(parts),
    );
    await attempt(parts, 'schedules could not be compared', () =>
      compareSchedules(parts, { isOver: () => signal.aborted, secrets }),
    );
  });
}

async function attempt<T>(
  { warn }: ScheduleKeeperParts,
  complaint: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    warn(complaint, { error: codeOf(error) });
    return undefined;
  }
}
