/** What people decide about schedules: pauses and skipped slots, with who and why, under the secret's lock. */
import type pg from 'pg';
import type { Calendar } from '../../domain/calendar.js';
import { RotorError } from '../../domain/errors.js';
import type { SecretName } from '../../domain/registry.js';
import { slotsToCome, type Upcoming } from '../../domain/slots.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { insertSlot } from './claim-slot.js';
import { lockSecretOf } from './named-secret.js';
import { hasSchedule, refreshSchedules, scheduledSecret, type WithSchedule } from './schedules.js';

export interface ScheduleChange extends SecretName {
  readonly by: string;
  readonly reason: string;
}

export interface SlotSkip extends ScheduleChange {
  /** Undefined: the next one. */
  readonly slot: string | undefined;
}

interface Parts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly calendar: Calendar;
}

/** The secret whose schedule has to be rewritten. */
export function pauseSchedule(parts: Parts, change: ScheduleChange): Promise<string> {
  return decided(parts, change, async (db, { secretId }) => {
    await db.query(
      'update rotor.schedules set paused_by = $2, paused_reason = $3 where secret_id = $1',
      [secretId, change.by, change.reason],
    );
    return { event: { change: 'schedule-paused', reason: change.reason }, result: secretId };
  });
}

/** Slots of the time that it was paused do not come any more; an interval that is over is due now. */
export function resumeSchedule(parts: Parts, change: ScheduleChange): Promise<string> {
  return decided(parts, change, async (db, { secretId, paused, pausedInTemporal }) => {
    if (paused === undefined && pausedInTemporal === undefined)
      throw new RotorError('not-paused', 'its schedule is not paused', { kind: 'conflict' });
    await db.query(
      `update rotor.schedules set paused_by = null, paused_reason = null, paused_in_temporal = null,
         since = clock_timestamp() where secret_id = $1`,
      [secretId],
    );
    return { event: { change: 'schedule-resumed', reason: change.reason }, result: secretId };
  });
}

export interface Skipped {
  readonly secretId: string;
  readonly slot: string;
  readonly zone: string;
}

export function skipSlot(parts: Parts, skip: SlotSkip): Promise<Skipped> {
  return decided(parts, skip, async (db, secret) => {
    const { slot, zone, at } = slotNamed(secret, parts.calendar, skip.slot);
    const { secretId } = secret;
    const { reason, by } = skip;
    await insertSlot(db, { secretId, slot, zone, state: 'skipped', at, reason, by });
    const event = { change: 'slot-skipped', slot, zone, at, reason };
    return { event, result: { secretId, slot, zone } };
  });
}

/** Who skips further ahead than this means something else. */
const mostAhead = 1_000;

function slotNamed(secret: WithSchedule, calendar: Calendar, name: string | undefined): Upcoming {
  let seen = 0;
  for (const slot of slotsToCome(secret, calendar)) {
    seen += 1;
    if (seen > mostAhead || (name !== undefined && slot.slot > name)) break;
    if (slot.known?.state !== 'skipped' && (name ?? slot.slot) === slot.slot) return slot;
  }
  const message = name === undefined ? 'no slot is to come' : `no slot ${name} is to come`;
  throw new RotorError('no-such-slot', message, {
    kind: 'missing',
    hint: `rotor schedule next ${secret.organization}/${secret.secret} shows them`,
  });
}

interface Decided<T> {
  readonly event: object;
  readonly result: T;
}

async function decided<T>(
  { pool, audit }: Parts,
  { by, ...name }: ScheduleChange,
  work: (db: Queryable, secret: WithSchedule) => Promise<Decided<T>>,
): Promise<T> {
  return inTransaction(pool, async (db) => {
    const secretId = await lockSecretOf(db, name);
    await refreshSchedules(db, secretId);
    const secret = demandSchedule(await scheduledSecret(db, secretId), name);
    const { event, result } = await work(db, secret);
    await audit.append(db, secretId, [{ actor: by, event }]);
    return result;
  });
}

export function demandSchedule(
  secret: Awaited<ReturnType<typeof scheduledSecret>>,
  { organization, secret: name }: SecretName,
): WithSchedule {
  if (secret !== undefined && hasSchedule(secret)) return secret;
  throw new RotorError('no-schedule', `${organization}/${name} has no schedule`, {
    kind: 'missing',
    hint: 'declare schedule in the secret or in its policy',
  });
}
