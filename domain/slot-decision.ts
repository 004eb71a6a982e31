/** What becomes of the slots that are due: one is taken, the others are missed, or all of them wait. */
import type { Calendar } from './calendar.js';
import { formatDuration } from './duration.js';
import type { ScheduleFacts } from './schedule.js';
import { nextAllowed, shareOf } from './slot-moves.js';
import { nextSlot, slotsToCome, type Upcoming } from './slots.js';

export interface MissedSlot extends Upcoming {
  readonly reason: string;
}

export type SlotDecision =
  | { readonly kind: 'nothing'; readonly told: string }
  /** Too early by the clock that decides: ask again then. */
  | { readonly kind: 'wait'; readonly until: Date; readonly told: string }
  | {
      readonly kind: 'settle';
      readonly taken: Upcoming | undefined;
      readonly missed: readonly MissedSlot[];
    }
  | {
      readonly kind: 'postpone';
      readonly slot: Upcoming;
      readonly until: Date;
      readonly reason: string;
      readonly missed: readonly MissedSlot[];
    };

/** Who rotates now and must not do so together with this secret; and when to ask again. */
export interface Obstacle {
  readonly reason: string;
  readonly againMs: number;
}

/** Clocks of several machines differ by less than this. */
const soonMs = 10_000;
/** At one time: the next look takes the rest. */
const mostAtOnce = 500;

export function decideSlot(
  facts: ScheduleFacts,
  calendar: Calendar,
  obstacle: Obstacle | undefined,
): SlotDecision {
  if (facts.paused !== undefined) return { kind: 'nothing', told: 'the schedule is paused' };
  const due = dueSlots(facts, calendar);
  const newest = due.at(-1);
  if (newest === undefined) return notYet(facts, calendar);
  const missed = due.slice(0, -1).map((slot) => ({
    ...slot,
    reason: `slot ${newest.slot} was due before this one could start`,
  }));
  if (isLate(newest, facts)) {
    const reason = `it could not start within ${formatDuration(facts.schedule.lateAfterMs)}`;
    return { kind: 'settle', taken: undefined, missed: [...missed, { ...newest, reason }] };
  }
  const hold = holdOf(facts, calendar, obstacle);
  if (hold !== undefined) return { kind: 'postpone', slot: newest, ...hold, missed };
  return { kind: 'settle', taken: newest, missed };
}

function dueSlots(facts: ScheduleFacts, calendar: Calendar): Upcoming[] {
  const due: Upcoming[] = [];
  for (const slot of slotsToCome(facts, calendar)) {
    if (slot.at > facts.now || due.length >= mostAtOnce) break;
    if (slot.known?.state !== 'skipped') due.push(slot);
  }
  return due;
}

function notYet(facts: ScheduleFacts, calendar: Calendar): SlotDecision {
  const next = nextSlot(facts, calendar);
  const ms = next === undefined ? Number.POSITIVE_INFINITY : Number(next.at) - Number(facts.now);
  if (next !== undefined && ms <= soonMs)
    return { kind: 'wait', until: next.at, told: `${next.slot} is due in a moment` };
  return { kind: 'nothing', told: 'no slot is due' };
}

function isLate(slot: Upcoming, { now, schedule }: ScheduleFacts): boolean {
  return schedule.catchUp === 'skip' && Number(now) - Number(slot.at) > schedule.lateAfterMs;
}

/** A slot that is caught up on starts in a window too, and outside of blackouts. */
function holdOf(
  { secretId, now, schedule }: ScheduleFacts,
  calendar: Calendar,
  obstacle: Obstacle | undefined,
): { readonly until: Date; readonly reason: string } | undefined {
  const allowed = nextAllowed(now, schedule, calendar);
  if (allowed !== undefined && allowed.at > now) {
    const reason = allowed.moves.map(({ told }) => told).join('; ');
    return { until: allowed.at, reason };
  }
  if (obstacle === undefined) return undefined;
  const { reason, againMs } = obstacle;
  // Whoever asks again exactly as often as others begin would find them at it each time.
  const later = againMs + shareOf(againMs / 4, `${secretId} ${now.toISOString()}`);
  return { until: new Date(now.getTime() + later), reason };
}

/** Why somebody should look, whatever became of the schedule in Temporal; undefined while all is well. */
export function overdueSince(facts: ScheduleFacts, calendar: Calendar): Date | undefined {
  const limit = Number(facts.now) - facts.schedule.overdueAfterMs;
  const moments = [facts.settledLongAgo, nextSlot(facts, calendar)?.dueAt, intervalEnd(facts)];
  const due = moments.filter(
    (at): at is Date => at !== undefined && Number(at) <= limit && isUnanswered(at, facts),
  );
  return due.length === 0 ? undefined : new Date(Math.min(...due.map(Number)));
}

function isUnanswered(at: Date, { rotatedAt }: ScheduleFacts): boolean {
  return rotatedAt === undefined || rotatedAt < at;
}

function intervalEnd({ schedule: { rule }, rotatedAt }: ScheduleFacts): Date | undefined {
  if (rule.kind !== 'every' || rotatedAt === undefined) return undefined;
  return new Date(rotatedAt.getTime() + rule.everyMs);
}
