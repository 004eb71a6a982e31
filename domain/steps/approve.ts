/** Approve: the run waits until as many people as its policy asks for have approved this very plan. */
import { approvalRule, beyond, contentOf, holdingApprovals, whatIsMissing } from '../approval.js';
import type { Decided } from '../change.js';
import type { Facts } from '../facts.js';
import { planRun } from '../plan.js';
import type { Answer } from '../run.js';
import { answered, standingAnswer } from './standing.js';

export function decideApprove(facts: Facts): Decided<Answer> {
  const standing = standingAnswer(facts);
  if (standing !== undefined) return answered(standing);
  const rule = approvalRule(facts);
  if (rule === undefined) return answered({ kind: 'done', told: 'nobody has to approve' });
  const now = contentOf(facts, planRun(facts));
  const stored = facts.run.plan?.content;
  if (stored === undefined || !coverEachOther(facts, stored, now))
    return answered({ kind: 'replan', told: 'the plan changed while it waited' });
  const holding = holdingApprovals(facts, rule, now);
  if (holding.length < rule.needed) {
    const told = whatIsMissing(facts, rule, now);
    return answered({ kind: 'blocked', code: 'approval-needed', told });
  }
  const told = `approved by ${holding.map(({ person }) => person).join(', ')}`;
  const approvalIds = holding.map(({ approvalId }) => approvalId);
  return {
    result: { kind: 'done', told },
    changes: [
      { change: 'approvals-used', approvalIds, hash: facts.run.plan?.hash ?? '' },
      // Nobody is waited for any more, however long the next step takes.
      { change: 'run-goes-on' },
    ],
  };
}

type Content = ReturnType<typeof contentOf>;

function coverEachOther(facts: Facts, one: Content, other: Content): boolean {
  return beyond(facts, one, other).length === 0 && beyond(facts, other, one).length === 0;
}
