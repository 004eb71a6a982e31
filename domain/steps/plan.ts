/** The plan, stored: each look at changed facts is a new revision of the same run. */
import { closedByPlan } from '../asking.js';
import type { Change, Decided } from '../change.js';
import type { Facts } from '../facts.js';
import { planRun, wayBack, type Plan } from '../plan.js';
import { deliveryOf, liveVersions } from '../progress.js';
import type { DecisionKind, StoredPlan } from '../run.js';
import { isLive } from '../version.js';
import { isPaused } from './standing.js';

export function decidePlan(facts: Facts): Decided<StoredPlan> {
  const plan = planRun(facts);
  const revision = (facts.run.plan?.revision ?? 0) + 1;
  const read: Change[] = facts.run.decisions
    .filter((decision) => !decision.read)
    .map(({ decisionId }) => ({ change: 'decision-read', decisionId }));
  return {
    result: {
      revision,
      title: plan.title,
      steps: plan.steps,
      waves: plan.waves,
      ends: [...new Set([...plan.ends, ...revokedSince(facts)])],
    },
    changes: [
      { change: 'plan-stored', plan, revision },
      ...closedByPlan(facts, { towards: plan.towards, moving: new Set(movedBy(plan)) }),
      ...forgiven(facts, plan),
      ...read,
    ],
  };
}

/** The run has to turn around, and its stored plan does not say so yet. */
export function turnsBackNow(facts: Facts): boolean {
  return wayBack(facts) !== undefined && facts.run.plan?.direction !== 'back';
}

const forgiving: ReadonlySet<DecisionKind> = new Set(['retry', 'accept-outage']);

/** A person asked for the run or for another try, accepted or declared somebody: stragglers are counted anew. */
function forgiven(facts: Facts, plan: Plan): Change[] {
  const { run } = facts;
  const acted = run.decisions.some(({ kind, read }) => forgiving.has(kind) && !read);
  const asked = run.plan === undefined || acted || movesSomebodyNew(facts, plan);
  if (!asked) return [];
  return liveVersions(facts)
    .filter(({ broughtBack }) => broughtBack > 0)
    .map(({ versionId }) => ({ change: 'stragglers-forgiven', versionId }));
}

/** Somebody who has to move once more is no news: that happens without a person. */
function movesSomebodyNew(facts: Facts, plan: Plan): boolean {
  const { towards } = plan;
  return (
    towards !== undefined &&
    movedBy(plan).some((id) => deliveryOf(facts, id, towards)?.deliveredAt === undefined)
  );
}

function movedBy({ waves }: Plan): string[] {
  return waves.flatMap(({ batches }) => batches.flat());
}

/** Versions that must work again before anything else: the run turned around, or is paused. */
export function versionsToBringBack(facts: Facts): string[] {
  if (wayBack(facts) === undefined && !isPaused(facts)) return [];
  const begun = new Set(
    facts.effects.filter(({ kind }) => kind === 'disable').map((e) => e.versionId),
  );
  return facts.versions
    .filter(
      ({ state, versionId }) => state === 'disabled' || (isLive(state) && begun.has(versionId)),
    )
    .map(({ versionId }) => versionId);
}

/** What an earlier revision of this run's plan has revoked already. */
export function revokedSince({ versions, run }: Facts): string[] {
  return versions
    .filter(({ revokedAt }) => revokedAt !== undefined && revokedAt >= run.requestedAt)
    .map(({ versionId }) => versionId);
}
