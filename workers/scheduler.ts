/** Schedules put together: the registry says what counts, Temporal holds the next slot of each secret. */
import type pg from 'pg';
import { writeSchedule, type WantedSchedule } from '../client/schedules.js';
import { startRun, type Temporal } from '../client/workflows.js';
import type { Calendar } from '../domain/calendar.js';
import type { Scheduler } from '../domain/scheduler.js';
import { nextSlot, slotText } from '../domain/slots.js';
import type { AuditTrail } from '../infra/registry/audit.js';
import { claimSlot } from '../infra/registry/claim-slot.js';
import { claimedRun } from '../infra/registry/requests.js';
import {
  hasSchedule,
  notePauseInTemporal,
  scheduledSecret,
  type ScheduledSecret,
} from '../infra/registry/schedules.js';

export interface SchedulerParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly temporal: Temporal;
  readonly calendar: Calendar;
  readonly identity: string;
}

export function openScheduler(parts: SchedulerParts): Scheduler {
  const { pool, temporal, identity } = parts;
  return {
    claim: (secretId) => claimSlot(parts, secretId, identity),
    start: async (runId) => {
      const run = await claimedRun(pool, runId, identity);
      if (run !== undefined) await startRun(temporal, run);
    },
    rewrite: (secretId) => rewrite(parts, secretId),
  };
}

/** More often than this, somebody else is as busy with it. */
const mostRounds = 5;

/** Looks again after it wrote: whoever writes last has seen what was decided last. */
export async function rewrite(
  parts: SchedulerParts,
  secretId: string,
  options: { readonly resume?: boolean } = {},
): Promise<void> {
  const { pool, temporal, calendar } = parts;
  let written: string | undefined;
  for (let round = 0; round < mostRounds; round += 1) {
    const secret = await scheduledSecret(pool, secretId);
    if (secret === undefined) return;
    const wanted = wantedOf(secret, calendar);
    if (written === said(wanted)) return;
    const pausedThere = await writeSchedule(temporal, wanted, options);
    if (pausedThere !== secret.pausedInTemporal)
      await notePauseInTemporal(pool, secretId, pausedThere);
    written = said({ ...wanted, pausedThere });
  }
}

function said(wanted: WantedSchedule): string {
  return JSON.stringify(wanted);
}

export function wantedOf(secret: ScheduledSecret, calendar: Calendar): WantedSchedule {
  const { secretId, organization, secret: name, owner, paused, pausedInTemporal } = secret;
  const next = hasSchedule(secret) ? nextSlot(secret, calendar) : undefined;
  return {
    secretId,
    organization,
    secret: name,
    owner,
    at: next?.at,
    paused: paused === undefined ? undefined : `${paused.by}: ${paused.reason}`,
    pausedThere: pausedInTemporal,
    note: next === undefined ? '' : slotText(next),
  };
}
