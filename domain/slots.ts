/** The slots of a schedule, one after the other: what the rule names, and when each of them runs. */
import { slotLocal, slotName, type Calendar, type LocalTime } from './calendar.js';
import type { KnownSlot, Move, ScheduleFacts, Slot } from './schedule.js';
import { nextAllowed, withJitter } from './slot-moves.js';

export interface Upcoming extends Slot {
  /** When it was to run before it was postponed. */
  readonly dueAt: Date;
  readonly known: KnownSlot | undefined;
}

interface Nominal {
  readonly local: LocalTime;
  readonly at: Date;
  readonly moves: readonly Move[];
}

/**
 * Slots that are not settled yet, in the order of their names, skipped ones among them. Those that are over
 * come first. What was settled last is where they begin: nothing before it is ever asked for again.
 */
export function* slotsToCome(facts: ScheduleFacts, calendar: Calendar): Generator<Upcoming> {
  const settled = facts.known
    .filter(({ state }) => state === 'requested' || state === 'missed')
    .map(({ slot }) => slotLocal(slot))
    .reduce((newest, slot) => (slot > newest ? slot : newest), '');
  for (const nominal of nominals(facts, calendar, settled)) {
    if (nominal.local <= settled) continue;
    const slot = place(nominal, facts, calendar);
    if (slot === undefined) return;
    yield withWhatIsKnown(slot, facts.known);
  }
}

/** The next one that runs; undefined where none will. */
export function nextSlot(facts: ScheduleFacts, calendar: Calendar): Upcoming | undefined {
  for (const slot of slotsToCome(facts, calendar)) {
    if (slot.known?.state !== 'skipped') return slot;
  }
  return undefined;
}

function nominals(facts: ScheduleFacts, calendar: Calendar, settled: LocalTime): Iterable<Nominal> {
  const { rule, zone } = facts.schedule;
  switch (rule.kind) {
    case 'calendar':
      return named(rule.cron, facts, { calendar, settled });
    case 'every':
      return intervals(rule.everyMs, facts, { calendar, settled });
    case 'before-expiry':
      return beforeExpiry(rule.beforeMs, facts, (at) => calendar.local(at, zone));
  }
}

interface From {
  readonly calendar: Calendar;
  readonly settled: LocalTime;
}

function* named(
  cron: string,
  { since, schedule: { zone } }: ScheduleFacts,
  { calendar, settled }: From,
): Generator<Nominal> {
  const begun = calendar.local(new Date(since.getTime() - 1), zone);
  let local: LocalTime | undefined = settled > begun ? settled : begun;
  for (;;) {
    local = calendar.next(cron, local);
    if (local === undefined) return;
    const { at, exists } = calendar.moment(local, zone);
    // The clock may show a time for the second time: its moment is over.
    if (at < since) continue;
    const move: Move = {
      why: 'missing-local-time',
      told: `${local.slice(11, 16)} does not exist on that day: the first minute after it`,
    };
    yield { local, at, moves: exists ? [] : [move] };
  }
}

/** From the newest one that is over when the schedule begins: an earlier one is the same omission. */
function* intervals(
  everyMs: number,
  facts: ScheduleFacts,
  { calendar, settled }: From,
): Generator<Nominal> {
  const { zone } = facts.schedule;
  const anchor = (facts.rotatedAt ?? facts.since).getTime();
  const begun = settled === '' ? facts.since : calendar.moment(settled, zone).at;
  const over = Math.floor((Math.max(Number(begun), Number(facts.since)) - anchor) / everyMs);
  for (let count = Math.max(1, over); ; count += 1) {
    yield momentBegun(new Date(anchor + count * everyMs), facts, (at) => calendar.local(at, zone));
  }
}

/** A version that does not live for so long would be due when it is made, and so would each that follows it, for ever. */
function beforeExpiry(
  beforeMs: number,
  facts: ScheduleFacts,
  localOf: (at: Date) => LocalTime,
): Nominal[] {
  const { expiresAt, mintedAt } = facts;
  if (expiresAt === undefined) return [];
  const at = new Date(expiresAt.getTime() - beforeMs);
  if (mintedAt === undefined || at > mintedAt) return [momentBegun(at, facts, localOf)];
  const half = new Date((mintedAt.getTime() + expiresAt.getTime()) / 2);
  const { moves, ...nominal } = momentBegun(half, facts, localOf);
  const told = 'a version does not live for so long: when half of its time is over';
  return [{ ...nominal, moves: [{ why: 'short-lived', told }, ...moves] }];
}

/** What was due before the schedule counts, is due when it begins to. */
function momentBegun(
  at: Date,
  { since }: ScheduleFacts,
  localOf: (at: Date) => LocalTime,
): Nominal {
  const local = localOf(at);
  if (at >= since) return { local, at, moves: [] };
  const told = 'it was due before this schedule counted';
  return { local, at: since, moves: [{ why: 'begins', told }] };
}

function place(nominal: Nominal, facts: ScheduleFacts, calendar: Calendar): Slot | undefined {
  const { schedule, secretId } = facts;
  const allowed = nextAllowed(nominal.at, schedule, calendar);
  if (allowed === undefined) return undefined;
  const slot = slotName(nominal.local);
  const { at, moves } = withJitter(allowed, { seed: `${secretId} ${slot}`, schedule }, calendar);
  return { slot, zone: schedule.zone, at, moves: [...nominal.moves, ...moves] };
}

function withWhatIsKnown(slot: Slot, all: readonly KnownSlot[]): Upcoming {
  const known = all.find((one) => one.slot === slot.slot);
  if (known?.state !== 'postponed') return { ...slot, dueAt: slot.at, known };
  const move: Move = { why: 'postponed', told: known.reason };
  return { ...slot, at: known.at, dueAt: slot.at, moves: [...slot.moves, move], known };
}

/** `2026-12-01T10:00 Europe/Berlin`, and why it runs at another moment. */
export function slotText({ slot, zone, moves }: Slot): string {
  const why = moves.map(({ told }) => told).join('; ');
  return `${slot} ${zone}${why === '' ? '' : ` (${why})`}`;
}
