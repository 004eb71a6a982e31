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
  scheduledSecret,
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

interface Look {
  /** A process that stops leaves the rest to the next one. */
  readonly isOver: () => boolean;
  /** As they were read a moment ago; undefined: they are read now. */
  readonly secrets?: readonly ScheduledSecret[] | undefined;
}

/** Undefined where another worker is at it. */
export async function compareSchedules(
  parts: SchedulerParts,
  look: Look = { isOver: () => false },
): Promise<Comparison | undefined> {
  return oneAtATime(parts.pool, 'rotor.schedules', () => compare(parts, look));
}

async function compare(
  parts: SchedulerParts,
  { isOver, secrets: read }: Look,
): Promise<Comparison> {
  const secrets = read ?? (await readSecrets(parts));
  const held = new Map<string, HeldSchedule>();
  for await (const one of heldSchedules(parts.temporal)) held.set(one.secretId, one);
  const suspects: ScheduledSecret[] = [];
  for await (const secret of oneByOne(secrets)) {
    if (differs(held.get(secret.secretId), wantedOf(secret, parts.calendar), secret))
      suspects.push(secret);
    held.delete(secret.secretId);
  }
  const strays = await removeStrays(parts, [...held.keys()]);
  const repaired = await mendAll(parts, suspects, isOver);
  return { compared: secrets.length, repaired: repaired + strays };
}

async function readSecrets({ pool }: SchedulerParts): Promise<ScheduledSecret[]> {
  await refreshSchedules(pool);
  return scheduledSecrets(pool);
}

/** The registry was read before Temporal: what was declared in between is none. */
async function removeStrays(
  { pool, temporal }: SchedulerParts,
  secretIds: readonly string[],
): Promise<number> {
  let removed = 0;
  for (const secretId of secretIds) {
    if ((await scheduledSecret(pool, secretId)) !== undefined) continue;
    await removeSchedule(temporal, secretId);
    removed += 1;
  }
  return removed;
}

/** Needs the database and nothing else. What was read for it; undefined where another worker is at it. */
export async function tellOverdue(parts: SchedulerParts): Promise<ScheduledSecret[] | undefined> {
  return oneAtATime(parts.pool, 'rotor.overdue', async () => {
    const secrets = await readSecrets(parts);
    await tellEach(parts, secrets);
    return secrets;
  });
}

async function tellEach(parts: SchedulerParts, secrets: readonly ScheduledSecret[]): Promise<void> {
  for await (const secret of oneByOne(secrets)) {
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
  isOver: Look['isOver'],
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

/** What was read and listed is a moment old: whether something is wrong, Temporal says when it is asked for that one. */
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
