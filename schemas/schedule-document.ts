/** When secrets rotate, as people write it; what the fields say together is checked here, too. */
import { z } from 'zod';
import { addDays, weekdays } from '../domain/calendar.js';
import { cronOfWords, wordsWanted } from '../domain/calendar-words.js';
import { formatDuration } from '../domain/duration.js';
import type { Maintenance } from '../domain/maintenance.js';
import { standardSchedule, type Schedule, type ScheduleRule } from '../domain/schedule.js';
import { Duration, Text, TimeLimit } from './names.js';

const TimeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'expected a time of day such as 08:00');

const Day = z.string().refine(isDay, 'expected a day such as 2026-12-24');

function isDay(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && addDays(text, 0) === text
  );
}

const Zone = z
  .string()
  .max(50)
  .refine(isZone, 'expected a time zone such as Europe/Berlin (IANA)')
  .default(standardSchedule.zone);

/** Offsets such as +01:00 know no change of clocks, and are most often a mistake. */
function isZone(name: string): boolean {
  try {
    return (
      /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
    );
  } catch {
    return false;
  }
}

const WindowDocument = z
  .strictObject({
    days: z
      .array(z.enum(weekdays))
      .min(1)
      .max(7)
      .default([...weekdays]),
    from: TimeOfDay.describe('local time'),
    to: TimeOfDay.describe('local time; before from: over midnight'),
  })
  .refine(({ from, to }) => from !== to && from !== '24:00', {
    path: ['to'],
    message: 'this window never opens: it ends where it begins',
  });

const BlackoutDocument = z
  .strictObject({ from: Day, to: Day, reason: Text })
  .refine(({ from, to }) => from <= to, { path: ['to'], message: 'it ends before it begins' });

const shortestMs = 60_000;

const Most = z.int().min(1).max(10_000);

const rules = ['every', 'at', 'cron', 'beforeExpiry'] as const;

/** When something may happen, by the clock on the wall. */
const Limits = z.strictObject({
  zone: Zone,
  windows: z.array(WindowDocument).max(50).default([]),
  blackouts: z.array(BlackoutDocument).max(500).default([]),
  holidays: z.array(Day).max(500).default([]).describe('blackouts of one day'),
});

export const MaintenanceDocument = Limits.refine(
  ({ windows, blackouts, holidays }) => windows.length + blackouts.length + holidays.length > 0,
  'expected windows, blackouts or holidays',
);

export const ScheduleDocument = z
  .strictObject({
    every: Duration.refine((ms) => ms >= shortestMs, 'expected a minute at least')
      .optional()
      .describe('since the last confirmed rotation'),
    at: z
      .string()
      .max(100)
      .refine((words) => cronOfWords(words) !== undefined, wordsWanted)
      .optional()
      .describe('in words: first tuesday 10:00'),
    cron: z
      .string()
      .max(100)
      .regex(/^\S+(?: +\S+){4}$/, 'expected five fields: minute hour day month weekday')
      .optional()
      .describe('minute hour day month weekday; TUE#1 is the first tuesday, FRI#L the last friday'),
    beforeExpiry: TimeLimit.optional().describe('this long before the current version expires'),
    ...Limits.shape,
    jitter: Duration.prefault(formatDuration(standardSchedule.jitterMs)),
    windows: Limits.shape.windows.describe('rotations begin in these only'),
    catchUp: z.enum(['run', 'skip']).default(standardSchedule.catchUp),
    lateAfter: TimeLimit.prefault(formatDuration(standardSchedule.lateAfterMs)),
    overdueAfter: Duration.prefault(formatDuration(standardSchedule.overdueAfterMs)),
    postponeBy: TimeLimit.prefault(formatDuration(standardSchedule.postponeByMs)),
    atMostAtOnce: z
      .strictObject({ organization: Most.optional(), issuer: Most.optional() })
      .prefault({}),
  })
  .superRefine((document, context) => {
    const said = rules.filter((rule) => document[rule] !== undefined);
    if (said.length === 1) return;
    const message =
      said.length === 0
        ? `expected one of ${rules.join(', ')}`
        : `${said.join(' and ')} contradict each other: say one of them`;
    context.addIssue({ code: 'custom', message });
  });
export type ScheduleDocument = z.output<typeof ScheduleDocument>;

export function scheduleOf(document: ScheduleDocument): Schedule {
  const { catchUp, atMostAtOnce } = document;
  return {
    rule: ruleOf(document),
    ...maintenanceOf(document),
    jitterMs: document.jitter,
    catchUp,
    lateAfterMs: document.lateAfter,
    overdueAfterMs: document.overdueAfter,
    postponeByMs: document.postponeBy,
    atMostAtOnce,
  };
}

export function maintenanceOf({
  zone,
  windows,
  blackouts,
  holidays,
}: z.output<typeof Limits>): Maintenance {
  const days = holidays.map((day) => ({ from: day, to: day, reason: 'holiday' }));
  return { zone, windows, blackouts: [...blackouts, ...days] };
}

function ruleOf({ every, at, cron, beforeExpiry }: ScheduleDocument): ScheduleRule {
  if (every !== undefined) return { kind: 'every', everyMs: every };
  if (beforeExpiry !== undefined) return { kind: 'before-expiry', beforeMs: beforeExpiry };
  if (at !== undefined) return { kind: 'calendar', cron: cronOfWords(at) ?? '', said: at };
  return { kind: 'calendar', cron: cron ?? '', said: cron ?? '' };
}
