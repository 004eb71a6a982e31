/** Time limits of calls: durations, since the database that decides has a clock of its own. */
import { Context } from '@temporalio/activity';

/** Aborts after the time, and when the activity is cancelled. */
export function within(ms: number): AbortSignal {
  return AbortSignal.any([
    Context.current().cancellationSignal,
    AbortSignal.timeout(Math.max(1, ms)),
  ]);
}
