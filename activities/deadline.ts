import { Context } from '@temporalio/activity';

/** Aborts at the deadline, and when the activity is cancelled. */
export function untilDeadline(deadline: Date): AbortSignal {
  const left = Math.max(1, deadline.getTime() - Date.now());
  return AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(left)]);
}
