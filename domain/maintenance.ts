/** Maintenance windows of a policy: when dependents may be moved and old versions ended. */
import type { Calendar } from './calendar.js';
import type { Schedule } from './schedule.js';
import { nextAllowed } from './slot-moves.js';

export type Maintenance = Pick<Schedule, 'zone' | 'windows' | 'blackouts'>;

export interface Closed {
  /** When it opens again; undefined where it never does. */
  readonly until: Date | undefined;
  readonly told: string;
}

/** Undefined while it is open. */
export function closedAt(now: Date, limits: Maintenance, calendar: Calendar): Closed | undefined {
  const allowed = nextAllowed(now, limits, calendar);
  if (allowed === undefined) return { until: undefined, told: 'no maintenance window ever opens' };
  if (allowed.moves.length === 0) return undefined;
  const why = allowed.moves
    .map((move) => (move.why === 'window' ? 'outside the maintenance windows' : move.told))
    .join('; ');
  const opens = calendar.local(allowed.at, limits.zone).slice(0, 16).replace('T', ' ');
  return { until: allowed.at, told: `${why}; it opens at ${opens} ${limits.zone}` };
}
