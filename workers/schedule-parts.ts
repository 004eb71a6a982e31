/** What the API does about schedules: rows first, then what Temporal holds follows at once. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ScheduleParts } from '../api/parts.js';
import { heldSchedule, pauseIn } from '../client/schedules.js';
import type { SecretName } from '../domain/registry.js';
import { secretIdOf } from '../infra/registry/named-secret.js';
import { pauseSchedule, resumeSchedule, skipSlot } from '../infra/registry/schedule-decisions.js';
import { listSchedules, showSchedule } from '../infra/registry/schedule-views.js';
import { notePauseInTemporal, refreshSchedules } from '../infra/registry/schedules.js';
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
    withinPatience(rewriteAll(parts, ids, options));
  return {
    list: (organization) => listSchedules(pool, calendar, organization),
    show: (secret, count) => showSchedule(pool, calendar, { ...secret, count }),
    pause: async (change) => rewriteSoon([await pauseSchedule(parts, change)]),
    resume: async (change) => {
      await withinPatience(seePause(parts, change));
      await rewriteSoon([await resumeSchedule(parts, change)], { resume: true });
    },
    skip: async (skip) => {
      const { secretId, ...skipped } = await skipSlot(parts, skip);
      await rewriteSoon([secretId]);
      return skipped;
    },
    follow: async () => rewriteSoon(await refreshSchedules(pool)),
  };
}

async function withinPatience(work: Promise<void>): Promise<void> {
  await Promise.race([work, pause(withinMs, undefined, { ref: false })]);
}

/** A pause that was made in Temporal a moment ago is not in the registry yet. Without Temporal, what is there counts. */
async function seePause({ pool, temporal }: SchedulerParts, name: SecretName): Promise<void> {
  const secretId = await secretIdOf(pool, name);
  if (secretId === undefined) return;
  const held = await heldSchedule(temporal, secretId).catch(() => undefined);
  const pausedThere = held && pauseIn(held);
  if (pausedThere !== undefined) await notePauseInTemporal(pool, secretId, pausedThere);
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
