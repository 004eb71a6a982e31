/** Whether a dependent has moved: the evidence so far, what follows of it, and what becomes of one that never proves itself. */
import { attribute } from '../attribution.js';
import type { Change, Decided } from '../change.js';
import { isAtLeast, stronger, type Evidence } from '../evidence.js';
import type { DependencyFacts, Facts, VersionFacts } from '../facts.js';
import type { UseSource } from '../issuer.js';
import { wayBack } from '../plan.js';
import { deliveryOf, evidenceNeeded, pendingDependencies, versionOf } from '../progress.js';
import type { Answer } from '../run.js';
import { canTurnByItself } from '../way-back.js';
import { contestedUntil } from './lease.js';
import { answered, standingAnswer } from './standing.js';

export type AfterDelivery =
  | { readonly kind: 'moved'; readonly told: string }
  | { readonly kind: 'unproven'; readonly until: Date; readonly told: string }
  /** An earlier delivery has not reported: until its deadline it may still write over this one. */
  | { readonly kind: 'contested'; readonly until: Date; readonly told: string }
  /** A newer generation was leased meanwhile. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'failed'; readonly passing: boolean; readonly answer: Answer };

/** What was written for whom, and by which generation of its destination. */
export interface Written {
  readonly dependency: DependencyFacts;
  readonly version: VersionFacts;
  readonly generation: number;
}

/** The first accepted use of the version that only this dependency can have made. */
function isObserved(facts: Facts, dependency: DependencyFacts, versionId: string): boolean {
  const isOwn = (source: UseSource): boolean =>
    attribute(source, [dependency]) !== undefined &&
    attribute(source, facts.dependencies) === dependency;
  return facts.uses.some(
    (use) => use.versionId === versionId && use.outcome === 'accepted' && isOwn(use.source),
  );
}

/** Evidence so far, and what follows of it; the last one to move confirms the version. */
export function prove(facts: Facts, order: Written, given: Evidence): Decided<AfterDelivery> {
  const { versionId } = order.version;
  if (facts.run.plan?.towards !== versionId) return { result: { kind: 'overtaken' }, changes: [] };
  const dependency =
    facts.dependencies.find((d) => d.dependencyId === order.dependency.dependencyId) ??
    order.dependency;
  const before = deliveryOf(facts, dependency.dependencyId, versionId);
  const observed = isObserved(facts, dependency, versionId);
  const evidence = observed ? 'observed' : stronger(before?.evidence, given);
  const contested = contestedUntil(facts, dependency.destinationId);
  const proven = isAtLeast(evidence, evidenceNeeded(facts, dependency));
  const moved = proven && contested === undefined;
  const delivery: Change = {
    change: 'delivery',
    dependencyId: dependency.dependencyId,
    versionId,
    generation: order.generation,
    delivered: true,
    evidence,
    moved,
  };
  if (contested !== undefined) {
    const told = `${dependency.dependent}: an earlier delivery may still be under way`;
    return { result: { kind: 'contested', until: contested, told }, changes: [delivery] };
  }
  if (!moved)
    return { result: unproven(facts, dependency, before?.deliveredAt), changes: [delivery] };
  const told = `${dependency.dependent} moved (${evidence})`;
  return {
    result: { kind: 'moved', told },
    changes: [delivery, ...confirmation(facts, versionId, dependency.dependencyId)],
  };
}

function unproven(
  facts: Facts,
  dependency: DependencyFacts,
  deliveredAt: Date | undefined,
): AfterDelivery {
  const since = deliveredAt ?? facts.now;
  const patience = dependency.picksUpWithinMs + facts.policy.timeouts.proveMs;
  const until = new Date(since.getTime() + patience);
  return { kind: 'unproven', until, told: `${dependency.dependent} has the value, not yet proven` };
}

export function confirmation(facts: Facts, versionId: string, justMoved: string): Change[] {
  const left = pendingDependencies(facts, versionId).filter(
    ({ dependencyId }) => dependencyId !== justMoved,
  );
  const version = versionOf(facts, versionId);
  if (left.length > 0 || version?.current === true) return [];
  return [{ change: 'version-confirmed', versionId }];
}

/** A dependent did not prove itself in time, or cannot be written to. */
export function notProven(facts: Facts, dependencyId: string): Decided<Answer> {
  const standing = standingAnswer(facts);
  if (standing !== undefined) return answered(standing);
  const dependency = facts.dependencies.find((d) => d.dependencyId === dependencyId);
  if (dependency === undefined) return answered({ kind: 'replan', told: 'no longer declared' });
  const told = `${dependency.dependent} has the new value and was not seen using it`;
  return turnedAround(facts, dependency, { kind: 'blocked', code: 'dependent-not-proven', told });
}

/** Only while the canary alone was touched does a run turn around by itself. */
export function turnedAround(
  facts: Facts,
  dependency: DependencyFacts,
  answer: Answer,
): Decided<Answer> {
  const { policy, run } = facts;
  const towards = run.plan?.towards;
  const others = facts.deliveries.filter(
    (d) => d.versionId === towards && d.dependencyId !== dependency.dependencyId,
  );
  const automatic =
    policy.canary &&
    run.kind === 'rotate' &&
    facts.dependencies.length > 1 &&
    others.length === 0 &&
    canTurnByItself(facts) &&
    wayBack(facts) === undefined;
  if (!automatic) return answered(answer);
  const reason = `the canary failed: ${answer.told}`;
  return {
    result: { kind: 'replan', told: reason },
    changes: [{ change: 'turned-around', decisionKind: 'roll-back', reason }],
  };
}
