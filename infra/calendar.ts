/** Wall clocks by kept libraries: croner names local times, Temporal's polyfill knows the zones. */
import { Cron } from 'croner';
import { Temporal } from 'temporal-polyfill';
import type { Calendar } from '../domain/calendar.js';

const mostExpressions = 10_000;
const expressions = new Map<string, Cron>();

/** Local times are read as if they were UTC: no change of clocks can disturb what is named. */
export const calendar: Calendar = {
  next: (cron, after) => {
    const next = parsed(cron).nextRun(new Date(`${after}Z`));
    return next === null ? undefined : next.toISOString().slice(0, 19);
  },
  moment: (local, zone) => {
    const wanted = Temporal.PlainDateTime.from(local);
    // Earlier: the first of two, and before the gap where there is none.
    const found = wanted.toZonedDateTime(zone, { disambiguation: 'earlier' });
    if (found.toPlainDateTime().equals(wanted))
      return { at: new Date(found.epochMilliseconds), exists: true };
    const gap = found.getTimeZoneTransition('next') ?? found;
    return { at: new Date(gap.epochMilliseconds), exists: false };
  },
  local: (at, zone) =>
    Temporal.Instant.fromEpochMilliseconds(at.getTime())
      .toZonedDateTimeISO(zone)
      .toPlainDateTime()
      .toString({ smallestUnit: 'second' }),
};

function parsed(cron: string): Cron {
  const known = expressions.get(cron);
  if (known !== undefined) return known;
  if (expressions.size >= mostExpressions) expressions.clear();
  const made = new Cron(cron, { paused: true, timezone: 'UTC' });
  expressions.set(cron, made);
  return made;
}

/** In words for people: croner's own begin with its name. */
export function whyNever(cron: string): string | undefined {
  try {
    const next = calendar.next(cron, '2000-01-01T00:00:00');
    return next === undefined ? 'no day is ever like that' : undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Cron\w+: /, '') : '';
    return `is no cron expression${why === '' ? '' : `: ${why}`}`;
  }
}
