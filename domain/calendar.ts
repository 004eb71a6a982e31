/** The port to wall clocks: what a calendar names is a local time, and only a zone makes a moment of it. */

/** `YYYY-MM-DDTHH:mm:ss`, as a clock on the wall shows it: compares as text. */
export type LocalTime = string;

/** `YYYY-MM-DD`. */
export type LocalDate = string;

export interface Moment {
  readonly at: Date;
  /** False for a time that is left out where clocks are put forward: `at` is that moment. */
  readonly exists: boolean;
}

export interface Calendar {
  /** The first local time after that one which the cron expression names; undefined where there is none. */
  next(cron: string, after: LocalTime): LocalTime | undefined;
  /** Of a time that happens twice, the first. */
  moment(local: LocalTime, zone: string): Moment;
  local(at: Date, zone: string): LocalTime;
}

export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof weekdays)[number];

export function dateOf(local: LocalTime): LocalDate {
  return local.slice(0, 10);
}

export function addDays(date: LocalDate, days: number): LocalDate {
  const shifted = new Date(`${date}T00:00:00Z`);
  shifted.setUTCDate(shifted.getUTCDate() + days);
  return shifted.toISOString().slice(0, 10);
}

export function weekdayOf(date: LocalDate): Weekday {
  return weekdays[new Date(`${date}T00:00:00Z`).getUTCDay()] ?? 'sun';
}

/** How a slot is called: seconds only where there are some. */
export function slotName(local: LocalTime): string {
  return local.endsWith(':00') ? local.slice(0, 16) : local;
}

export function slotLocal(slot: string): LocalTime {
  return slot.length === 16 ? `${slot}:00` : slot;
}
