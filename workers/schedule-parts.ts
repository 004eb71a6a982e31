/** What the API does about schedules: rows first, then what Temporal holds follows at once. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ScheduleParts } from '../api/parts.js';
import { pauseSchedule, resumeSchedule, skipSlot } from '../infra/registry/schedule-decisions.js';
import { listSchedules, showSchedule } from '../infra/registry/schedule-views.js';
import { refreshSchedules } from '../infra/registry/schedules.js';
import { rewrite, type SchedulerParts } from './scheduler.js';

export interface FollowedSchedules extends ScheduleParts {
  /** After declarations were applied: has Temporal hold what counts now. */
  follow(): Promise<void>;
}

/** Callers wait this long for Temporal; what did not get there is found by the comparison. */
const withinMs = 3_000;
const atOnce = 16;

export function openScheduleParts(parts: SchedulerParts): FollowedSchedules {
  const { pool, calendar } = parts;
  const rewriteSoon = (ids: readonly string[], options = {}): Promise<void> =>
    Promise.race([rewriteAll(parts, ids, options), pause(withinMs, undefined, { ref: false })]);
  return {
    list: (organization) => listSchedules(pool, calendar, organization),
    show: (secret, count) => showSchedule(pool, calendar, { ...secret, count }),
    pause: async (change) => rewriteSoon([await pauseSchedule(parts, change)]),
    resume: async (change) => rewriteSoon([await resumeSchedule(parts, change)], { resume: true }),
    skip: async (skip) => {
      const { secretId, ...skipped } = await skipSlot(parts, skip);
      await rewriteSoon([secretId]);
      return skipped;
    },
    follow: async () => rewriteSoon(await refreshSchedules(pool)),
  };
}

async function rewriteAll(
  parts: SchedulerParts,
  ids: readonly string[],
  options: { readonly resume?: boolean },
): Promise<void> {
  for (let start = 0; start < ids.length; start += atOnce) {
    await Promise.all(
      ids.slice(start, start + atOnce).map((id) =>
        // That Temporal does not answer is not the caller's concern.
        rewrite(parts, id, options).catch(() => undefined),
      ),
    );
  }
}
