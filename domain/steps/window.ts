/** Window: nothing is made before dependents may be moved. */
import { acceptCommand } from '../acceptance.js';
import type { Blocker } from '../blocker.js';
import type { Decided } from '../change.js';
import type { Facts, RunFacts } from '../facts.js';
import type { Answer } from '../run.js';
import { answered, answerTo, standingAnswer } from './standing.js';

export function decideWindow(facts: Facts): Decided<Answer> {
  const standing = standingAnswer(facts);
  if (standing !== undefined) return answered(standing);
  const decided = answerTo(outsideWindow(facts), 'a maintenance window is open');
  // Nobody is waited for any more, however long the next step takes.
  return decided.result.kind === 'done'
    ? { ...decided, changes: [{ change: 'run-goes-on' }] }
    : decided;
}

/** Containing waits for nothing, a way back neither; and a person may say that this run need not. */
function waitsForWindows({ kind, plan, decisions }: RunFacts): boolean {
  if (kind === 'compromise' || plan?.direction === 'back') return false;
  return !decisions.some((decision) => decision.kind === 'ignore-window');
}

/** What must not begin now; empty where it may. */
export function outsideWindow(facts: Facts): Blocker[] {
  const { run, closed } = facts;
  if (closed === undefined || !waitsForWindows(run)) return [];
  const { told: message, until } = closed;
  const accept = acceptCommand(facts, 'ignore-window');
  const passes = until === undefined ? {} : { until };
  return [{ code: 'outside-window', message, accept, acceptIf: 'If it cannot wait', ...passes }];
}
