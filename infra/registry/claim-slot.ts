/** Claims the slots of a secret that are due: under its lock they are settled once, and the newest becomes a request. */
import type pg from 'pg';
import type { Calendar } from '../../domain/calendar.js';
import { RotorError } from '../../domain/errors.js';
import { decideSlot, type SlotDecision } from '../../domain/slot-decision.js';
import type { SlotState } from '../../domain/schedule.js';
import type { Claimed } from '../../domain/scheduler.js';
import type { Upcoming } from '../../domain/slots.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { submitIn } from './requests.js';
import { hasSchedule, refreshSchedules, scheduledSecret, type WithSchedule } from './schedules.js';
import { lockNeighbours, obstacleTo } from './slot-neighbours.js';

export interface ClaimParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly calendar: Calendar;
}

/** Who asks, in the audit trail and in the run. */
export const scheduler = 'schedule';

/** What counts is the schedule as it is now: whatever it was when somebody was told to come. */
export async function claimSlot(
  parts: ClaimParts,
  secretId: string,
  claimant: string,
): Promise<Claimed> {
  return inTransaction(parts.pool, async (db) => {
    await lockNeighbours(db, secretId);
    await refreshSchedules(db, secretId);
    const secret = await scheduledSecret(db, secretId);
    if (secret === undefined || !hasSchedule(secret)) return { told: 'it has no schedule' };
    const obstacle = await obstacleTo(db, secret);
    const decision = decideSlot(secret, parts.calendar, obstacle);
    return settle({ ...parts, db, secret, claimant }, decision);
  });
}

interface Settling extends ClaimParts {
  readonly db: Queryable;
  readonly secret: WithSchedule;
  readonly claimant: string;
}

async function settle(to: Settling, decision: SlotDecision): Promise<Claimed> {
  if (decision.kind === 'nothing') return { told: decision.told };
  if (decision.kind === 'wait') return { told: decision.told, until: decision.until };
  for (const slot of decision.missed) {
    await writeSlot(to, slot, { state: 'missed', at: slot.at, reason: slot.reason });
  }
  if (decision.kind === 'postpone') {
    const { slot, until, reason } = decision;
    await writeSlot(to, slot, { state: 'postponed', at: until, reason });
    return { told: `${slot.slot} was postponed until ${until.toISOString()}: ${reason}` };
  }
  if (decision.taken === undefined) return { told: `${decision.missed.length} slots were missed` };
  return take(to, decision.taken);
}

/** The same door as for everybody; whoever has the secret may refuse, and then the slot says so. */
async function take(to: Settling, slot: Upcoming): Promise<Claimed> {
  await to.db.query('savepoint request');
  try {
    const { runId, submission } = await request(to, slot);
    const reason = submission === 'joined' ? 'joined the run that was there' : submission;
    await writeSlot(to, slot, { state: 'requested', at: slot.at, reason, runId });
    return { told: `${slot.slot} is run ${runId} (${reason})`, runId };
  } catch (error) {
    if (!(error instanceof RotorError)) throw error;
    await to.db.query('rollback to savepoint request');
    await writeSlot(to, slot, { state: 'missed', at: slot.at, reason: error.message });
    return { told: `${slot.slot} was missed: ${error.message}` };
  }
}

function request({ db, audit, secret, claimant }: Settling, { slot, zone }: Upcoming) {
  const { organization, secret: name, secretId } = secret;
  const asked = {
    organization,
    secret: name,
    kind: 'rotate',
    requestedBy: scheduler,
    reason: `slot ${slot} ${zone}`,
    options: {},
    // No access token has a name with a slash: nobody else's key is like this.
    idempotencyKey: `schedule/${secretId}:${zone}:${slot}`,
  } as const;
  return submitIn({ db, audit }, asked, claimant);
}

interface Settlement {
  readonly state: SlotState;
  readonly at: Date;
  readonly reason: string;
  readonly runId?: string;
}

async function writeSlot(
  { db, audit, secret: { secretId } }: Settling,
  { slot, zone, moves, known }: Upcoming,
  { state, at, reason, runId }: Settlement,
): Promise<void> {
  await insertSlot(db, { secretId, slot, zone, state, at, reason, by: scheduler, runId });
  // It asks again every minute: the trail hears of it when something changes.
  if (known?.state === state && known.reason === reason) return;
  const event = { change: `slot-${state}`, slot, zone, at, reason, moves };
  await audit.append(db, secretId, [{ actor: scheduler, runId, event }]);
}

interface SlotRow extends Omit<Settlement, 'runId'> {
  readonly secretId: string;
  readonly slot: string;
  readonly zone: string;
  readonly by: string;
  readonly runId?: string | undefined;
}

/** A settled slot is never settled again: the database refuses that. */
export async function insertSlot(db: Queryable, row: SlotRow): Promise<void> {
  await db.query(
    `insert into rotor.schedule_slots (secret_id, zone, slot, state, at, reason, decided_by, run_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (secret_id, zone, slot) do update set state = excluded.state, at = excluded.at,
       reason = excluded.reason, decided_by = excluded.decided_by, run_id = excluded.run_id,
       decided_at = clock_timestamp()`,
    [row.secretId, row.zone, row.slot, row.state, row.at, row.reason, row.by, row.runId ?? null],
  );
}
