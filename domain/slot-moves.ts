/** Why a slot does not run at the moment that its name says: blackouts, maintenance windows, jitter. */
import {
  addDays,
  dateOf,
  weekdayOf,
  type Calendar,
  type LocalDate,
  type LocalTime,
} from './calendar.js';
import { formatDuration } from './duration.js';
import type { MaintenanceWindow, Move, Schedule } from './schedule.js';

export interface Allowed {
  readonly at: Date;
  readonly moves: readonly Move[];
}

type Limits = Pick<Schedule, 'zone' | 'windows' | 'blackouts'>;

/** More steps than any list of blackouts and windows takes. */
const mostSteps = 5_000;

/** The first moment from that one on at which rotating is allowed; undefined where there is none. */
export function nextAllowed(from: Date, limits: Limits, calendar: Calendar): Allowed | undefined {
  const moves: Move[] = [];
  let at = from;
  for (let step = 0; step < mostSteps; step += 1) {
    const moved = moveOnce(at, limits, calendar);
    if (moved === undefined) return { at, moves };
    if (moved === 'never') return undefined;
    moves.push(moved.move);
    at = moved.at;
  }
  return undefined;
}

type Moved = { readonly at: Date; readonly move: Move } | 'never' | undefined;

function moveOnce(at: Date, limits: Limits, calendar: Calendar): Moved {
  const local = calendar.local(at, limits.zone);
  const date = dateOf(local);
  const blackout = limits.blackouts.find(({ from, to }) => from <= date && date <= to);
  if (blackout !== undefined) {
    const over = calendar.moment(`${addDays(blackout.to, 1)}T00:00:00`, limits.zone).at;
    const until = blackout.from === blackout.to ? '' : ` until ${blackout.to}`;
    return { at: over, move: { why: 'blackout', told: `blackout${until}: ${blackout.reason}` } };
  }
  if (limits.windows.length === 0 || limits.windows.some((one) => isOpen(one, local)))
    return undefined;
  const opening = nextOpening(at, limits, calendar);
  if (opening === undefined) return 'never';
  return { at: opening, move: { why: 'window', told: 'outside its windows' } };
}

function isOpen({ days, from, to }: MaintenanceWindow, local: LocalTime): boolean {
  const date = dateOf(local);
  const time = local.slice(11, 16);
  const begins = (day: LocalDate): boolean => days.includes(weekdayOf(day));
  if (from < to) return begins(date) && from <= time && time < to;
  return (begins(date) && from <= time) || (begins(addDays(date, -1)) && time < to);
}

/** Every window opens within a week, but for the day that clocks change on. */
function nextOpening(at: Date, { windows, zone }: Limits, calendar: Calendar): Date | undefined {
  const today = dateOf(calendar.local(at, zone));
  for (let days = 0; days <= 14; days += 1) {
    const date = addDays(today, days);
    const openings = windows
      .filter((one) => one.days.includes(weekdayOf(date)))
      .map(({ from }) => calendar.moment(`${date}T${from}:00`, zone).at)
      .filter((opening) => opening > at);
    if (openings.length > 0) return new Date(Math.min(...openings.map(Number)));
  }
  return undefined;
}

/** Later by a share of the jitter that is always the same for this seed; less where it would leave what is allowed. */
export function withJitter(
  { at, moves }: Allowed,
  { seed, schedule }: { readonly seed: string; readonly schedule: Schedule },
  calendar: Calendar,
): Allowed {
  let ms = shareOf(schedule.jitterMs, seed);
  while (ms > 0) {
    const later = new Date(at.getTime() + ms);
    const allowed = nextAllowed(later, schedule, calendar);
    if (allowed !== undefined && allowed.moves.length === 0) {
      const move: Move = { why: 'jitter', told: `jitter of ${formatDuration(ms)}` };
      return { at: later, moves: [...moves, move] };
    }
    ms = Math.floor(ms / 2);
  }
  return { at, moves };
}

/** Always the same for a seed, and spread evenly over many of them. */
export function shareOf(ms: number, seed: string): number {
  return Math.floor((ms * hash(seed)) / 2 ** 32);
}

/** FNV-1a, with a last stir: neighbours have to lie far apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) {
    value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
