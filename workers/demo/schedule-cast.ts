/** The secrets of the demo of schedules: three that only show their slots, one that rotates all the time, two that wait for each other. */
import { addDays, weekdayOf, weekdays } from '../../domain/calendar.js';
import { quickPolicy, type CastSecret } from './cast.js';
import { nextClockChange } from './clocks.js';

export const springs = 'Europe/Berlin';
export const falls = 'America/New_York';

/** The days that the schedules are about; all of them are to come. */
export interface Days {
  /** On which 02:30 is left out. */
  readonly leftOut: string;
  /** On which 01:30 comes twice. */
  readonly twice: string;
  readonly blackout: { readonly from: string; readonly to: string };
  /** The only day of the week with a maintenance window: neither today nor tomorrow. */
  readonly windowDay: string;
}

export function daysFrom(now: Date): Days {
  const today = now.toISOString().slice(0, 10);
  return {
    leftOut: nextClockChange(springs, 'forward', now)?.day ?? '',
    twice: nextClockChange(falls, 'back', now)?.day ?? '',
    blackout: { from: addDays(today, 7), to: addDays(today, 13) },
    windowDay: weekdayOf(addDays(today, 4)),
  };
}

export const window = { from: '02:00', to: '05:00' };

/** The month of the day, its Sundays. */
function sundays(day: string, time: string): string {
  return `${time} * ${Number(day.slice(5, 7))} SUN`;
}

/** They show their slots, and have no value. */
function shownOf({ leftOut, twice, blackout }: Days): CastSecret[] {
  const windows = [{ days: weekdays.slice(1, 6), ...window }];
  const blackouts = [{ ...blackout, reason: 'freeze' }];
  const tokyo = { at: 'daily 03:00', zone: 'Asia/Tokyo', jitter: '30m', windows, blackouts };
  const schedules = {
    tariffs: { cron: sundays(leftOut, '30 2'), zone: springs },
    quotes: { cron: sundays(twice, '30 1'), zone: falls },
    invoices: tokyo,
  };
  return Object.entries(schedules).map(([name, schedule]) => ({
    ...{ name, role: 'Viewer', users: [] },
    more: { schedule },
  }));
}

export function castOf(days: Days): CastSecret[] {
  const nightly = { at: 'daily 02:30', zone: springs, postponeBy: '1s' };
  return [
    ...shownOf(days),
    {
      name: 'session-key',
      role: 'Contributor',
      users: ['checkout', 'reports'],
      more: { schedule: { at: 'daily 03:00' } },
    },
    { name: 'ledger', role: 'Contributor', users: ['books'], more: { policy: 'guarded' } },
    {
      name: 'archive',
      role: 'Viewer',
      users: ['archiver'],
      more: { schedule: nightly, notWith: ['ledger'] },
    },
  ];
}

export function policiesOf({ windowDay }: Days): object[] {
  const maintenance = { windows: [{ days: [windowDay], from: '22:00', to: '23:00' }] };
  return [quickPolicy, { ...quickPolicy, name: 'guarded', approvals: {}, maintenance }];
}
