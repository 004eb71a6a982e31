/** Compares what Temporal holds with what the registry says, repairs what differs, and tells which rotations are overdue. */
import { setImmediate as breathe } from 'node:timers/promises';
import {
  heldSchedule,
  heldSchedules,
  pauseIn,
  removeSchedule,
  startDue,
  wholeSecond,
  type HeldSchedule,
  type WantedSchedule,
} from '../client/schedules.js';
import { overdueSince } from '../domain/slot-decision.js';
import { noteOverdue } from '../infra/registry/overdue.js';
import {
  hasSchedule,
  notePauseInTemporal,
  refreshSchedules,
  scheduledSecrets,
  type ScheduledSecret,
} from '../infra/registry/schedules.js';
import { oneAtATime } from '../infra/registry/turn.js';
import { rewrite, wantedOf, type SchedulerParts } from './scheduler.js';

export interface Comparison {
  readonly compared: number;
  readonly repaired: number;
}

const atOnce = 16;
/** A slot that is over for this long was not started by Temporal, whose own start takes moments. */
const startedWithinMs = 5_000;

/** Undefined where another worker is at it. */
export async function compareSchedules(
  parts: SchedulerParts,
  isOver: IsOver = () => false,
): Promise<Comparison | undefined> {
  return oneAtATime(parts.pool, 'rotor.schedules', () => compare(parts, isOver));
}

/** A process that stops leaves the rest to the next one. */
type IsOver = () => boolean;

async function compare(parts: SchedulerParts, isOver: IsOver): Promise<Comparison> {
  await refreshSchedules(parts.pool);
  // The registry is read after the list: what was decided in between is seen as a difference, and looked at again.
  const held = new Map<string, HeldSchedule>();
  for await (const one of heldSchedules(parts.temporal)) held.set(one.secretId, one);
  const secrets = await scheduledSecrets(parts.pool);
  const suspects: ScheduledSecret[] = [];
  for await (const secret of oneByOne(secrets)) {
    if (differs(held.get(secret.secretId), wantedOf(secret, parts.calendar), secret))
      suspects.push(secret);
    held.delete(secret.secretId);
  }
  for (const stray of held.keys()) await removeSchedule(parts.temporal, stray);
  const repaired = await mendAll(parts, suspects, isOver);
  return { compared: secrets.length, repaired: repaired + held.size };
}

/** Needs the database and nothing else. */
export async function tellOverdue(parts: SchedulerParts): Promise<void> {
  await oneAtATime(parts.pool, 'rotor.overdue', () => tellEach(parts));
}

async function tellEach(parts: SchedulerParts): Promise<void> {
  await refreshSchedules(parts.pool);
  for await (const secret of oneByOne(await scheduledSecrets(parts.pool))) {
    const since = hasSchedule(secret) ? overdueSince(secret, parts.calendar) : undefined;
    if ((since !== undefined) !== secret.toldOverdue) await noteOverdue(parts, secret, since);
  }
}

/** Activities of this process have to beat meanwhile. */
async function* oneByOne(secrets: readonly ScheduledSecret[]): AsyncGenerator<ScheduledSecret> {
  for (const [index, secret] of secrets.entries()) {
    if (index % 50 === 0) await breathe();
    yield secret;
  }
}

async function mendAll(
  parts: SchedulerParts,
  suspects: readonly ScheduledSecret[],
  isOver: IsOver,
): Promise<number> {
  let repaired = 0;
  for (let start = 0; start < suspects.length && !isOver(); start += atOnce) {
    const mended = await Promise.all(
      suspects.slice(start, start + atOnce).map((secret) => mend(parts, secret)),
    );
    repaired += mended.filter(Boolean).length;
  }
  return repaired;
}

/** The list is a moment old: whether something is wrong, Temporal says when it is asked for that one. */
async function mend(parts: SchedulerParts, secret: ScheduledSecret): Promise<boolean> {
  const { secretId } = secret;
  const held = await heldSchedule(parts.temporal, secretId);
  const wanted = wantedOf(secret, parts.calendar);
  if (!differs(held, wanted, secret)) return false;
  const pausedThere = held === undefined ? secret.pausedInTemporal : pauseIn(held);
  if (pausedThere !== secret.pausedInTemporal)
    await notePauseInTemporal(parts.pool, secretId, pausedThere);
  if (isWritten(held, wanted)) {
    if (pausedThere === undefined && isOverlooked(wanted, secret))
      await startDue(parts.temporal, secretId);
    return true;
  }
  await rewrite(parts, secretId);
  return true;
}

function differs(
  held: HeldSchedule | undefined,
  wanted: WantedSchedule,
  { pausedInTemporal }: ScheduledSecret,
): boolean {
  if (!isWritten(held, wanted)) return true;
  if (held === undefined) return false;
  const pausedThere = pauseIn(held);
  if (pausedThere !== pausedInTemporal) return true;
  return pausedThere === undefined && isOverlooked(wanted, { now: new Date() });
}

/** Temporal holds what is wanted, whatever is paused there by others. */
function isWritten(held: HeldSchedule | undefined, { at, paused, note }: WantedSchedule): boolean {
  if (at === undefined || held === undefined) return at === undefined && held === undefined;
  if (held.at?.getTime() !== wholeSecond(at).getTime()) return false;
  if (paused !== undefined) return held.paused;
  return held.paused ? pauseIn(held) !== undefined : held.note === note;
}

function isOverlooked({ at, paused }: WantedSchedule, { now }: { readonly now: Date }): boolean {
  return paused === undefined && at !== undefined && Number(now) - Number(at) > startedWithinMs;
}
