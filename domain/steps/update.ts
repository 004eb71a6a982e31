/** Moving one dependent: a lease, a write, a look back, a proof. */
import { attribute } from '../attribution.js';
import type { Change, Decided } from '../change.js';
import type { Destination } from '../connector.js';
import { isAtLeast, stronger, type Evidence } from '../evidence.js';
import type { DependencyFacts, Facts, VersionFacts } from '../facts.js';
import { wayBack } from '../plan.js';
import { canTurnByItself } from '../way-back.js';
import {
  deliveryOf,
  evidenceNeeded,
  hasMoved,
  pendingDependencies,
  versionOf,
  withheldDependencies,
} from '../progress.js';
import type { UseSource } from '../issuer.js';
import type { Answer } from '../run.js';
import { isUsable } from '../version.js';
import { useQuestion, type UseQuestion } from './use-question.js';
import { contestedUntil, leaseOf, leaseOfOthers, takeLease } from './lease.js';
import { answered, answerTo, standingAnswer, asOrder, type AnswerOrder } from './standing.js';
import { outsideWindow } from './window.js';

export interface DeliveryOrder {
  readonly kind: 'deliver';
  /** How the dependent's use of the version is asked for. */
  readonly use: UseQuestion;
  /** Goes back to a version that the dependent has had. */
  readonly isBack: boolean;
  /** What it takes to have moved. */
  readonly needs: Evidence;
  readonly dependency: DependencyFacts;
  readonly version: VersionFacts;
  readonly generation: number;
  /** Versions of the secret whose values rotor has, to read a destination by. */
  readonly known: readonly string[];
  /** How long the write may take, from the moment this was decided. */
  readonly withinMs: number;
}

export type UpdateOrder = AnswerOrder | DeliveryOrder;

/** The version that a destination gets: refused once it is dead, so that no dead value is ever written. */
export function beginDelivery(facts: Facts, dependencyId: string): Decided<UpdateOrder> {
  const standing = standingAnswer(facts) ?? replaceDeadline(facts);
  if (standing !== undefined) return asOrder(answered(standing));
  const dependency = facts.dependencies.find((d) => d.dependencyId === dependencyId);
  const version = usableVersion(facts);
  if (version === undefined) {
    return asOrder(answered({ kind: 'replan', told: 'the version to move to is gone' }));
  }
  const { versionId } = version;
  const idle = dependency && whyNothingToDo(facts, dependency, versionId);
  if (dependency === undefined || idle !== undefined) {
    // Whoever was waited for may have been retired: then this is what the version waits for.
    const changes = confirmation(facts, versionId, '');
    return asOrder({ result: { kind: 'done', told: idle ?? 'no longer declared' }, changes });
  }
  const early = notNow(facts, dependency, versionId);
  if (early !== undefined) return asOrder(early);
  const { destinationId } = dependency;
  const lease = takeLease(facts, destinationId, versionId);
  const known = sealedVersionIds(facts);
  const { generation } = lease;
  return {
    result: {
      kind: 'deliver',
      use: useQuestion(facts),
      isBack: facts.run.plan?.direction === 'back',
      needs: evidenceNeeded(facts, dependency),
      dependency,
      version,
      generation,
      known,
      withinMs: facts.policy.timeouts.deliverMs,
    },
    changes: [lease, begun(dependency, lease)],
  };
}

function whyNothingToDo(
  facts: Facts,
  dependency: DependencyFacts,
  versionId: string,
): string | undefined {
  if (hasMoved(facts, dependency, versionId)) return 'moved already';
  const withheld = withheldDependencies(facts).includes(dependency);
  return withheld ? `${dependency.dependent} is given no new value` : undefined;
}

/** Outside of windows only who has the value already is looked at. */
function notNow(
  facts: Facts,
  { dependencyId, destinationId }: DependencyFacts,
  versionId: string,
): Decided<Answer> | undefined {
  const closed = outsideWindow(facts);
  const has = deliveryOf(facts, dependencyId, versionId)?.deliveredAt !== undefined;
  if (closed.length > 0 && !has) return answerTo(closed, '');
  const busy = leaseOfOthers(facts, destinationId);
  return busy && answered(busy);
}

/** Before it is written: should nobody ever report, the destination may hold it all the same. */
function begun(
  { dependencyId }: DependencyFacts,
  { versionId, generation }: { readonly versionId: string; readonly generation: number },
): Change {
  return {
    change: 'delivery',
    dependencyId,
    versionId,
    generation,
    delivered: false,
    moved: false,
  };
}

function usableVersion(facts: Facts): VersionFacts | undefined {
  const version = versionOf(facts, facts.run.plan?.towards ?? '');
  return version !== undefined && isUsable(version.state) ? version : undefined;
}

/** Compromise that replaces first: from this moment on the revoke goes before everything unfinished. */
function replaceDeadline(facts: Facts): Answer | undefined {
  const { options, requestedAt, plan } = facts.run;
  if (options.replaceFirstMs === undefined || plan === undefined) return undefined;
  const over = facts.now.getTime() >= requestedAt.getTime() + options.replaceFirstMs;
  const steps = plan.steps;
  if (!over || !steps.includes('revoke') || steps.indexOf('revoke') < steps.indexOf('update')) {
    return undefined;
  }
  return { kind: 'replan', told: 'the time to replace first is over' };
}

export function destinationFor({ dependency }: Pick<DeliveryOrder, 'dependency'>): Destination {
  const { destinationId, identity, address } = dependency;
  return { destinationId, identity, address };
}

/** Those whose values rotor has. */
export function sealedVersionIds(facts: Facts): string[] {
  return facts.versions.filter(({ value }) => value === 'sealed').map(({ versionId }) => versionId);
}

/** What a delivery attempt came to. */
export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly evidence: Evidence }
  | { readonly kind: 'failed'; readonly code: string; readonly passing: boolean };

export type AfterDelivery =
  | { readonly kind: 'moved'; readonly told: string }
  | { readonly kind: 'unproven'; readonly until: Date; readonly told: string }
  /** An earlier delivery has not reported: until its deadline it may still write over this one. */
  | { readonly kind: 'contested'; readonly until: Date; readonly told: string }
  /** A newer generation was leased meanwhile. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'failed'; readonly passing: boolean; readonly answer: Answer };

export function finishDelivery(
  facts: Facts,
  order: DeliveryOrder,
  outcome: DeliveryOutcome,
): Decided<AfterDelivery> {
  const { destinationId } = order.dependency;
  const lease = leaseOf(facts, destinationId);
  if (lease !== undefined && lease.generation > order.generation) {
    return { result: { kind: 'overtaken' }, changes: [] };
  }
  const release: Change = { change: 'lease-released', destinationId, generation: order.generation };
  if (outcome.kind === 'failed') return failedDelivery(facts, order, { outcome, release });
  const proven = prove(facts, order, outcome.evidence);
  return { result: proven.result, changes: [release, ...proven.changes] };
}

interface Failure {
  readonly outcome: Extract<DeliveryOutcome, { kind: 'failed' }>;
  readonly release: Change;
}

function failedDelivery(
  facts: Facts,
  order: DeliveryOrder,
  { outcome, release }: Failure,
): Decided<AfterDelivery> {
  const { dependency, version, generation } = order;
  const told = `${dependency.dependent}: ${dependency.connector} ${outcome.code} (${dependency.identity})`;
  const failed: Change = {
    change: 'delivery',
    dependencyId: dependency.dependencyId,
    versionId: version.versionId,
    generation,
    delivered: false,
    moved: false,
    failure: outcome.code,
  };
  const answer: Answer = { kind: 'blocked', code: 'destination-failed', told };
  const changes = [release, failed];
  if (outcome.passing) return { result: { kind: 'failed', passing: true, answer }, changes };
  const given = turnedAround(facts, dependency, answer);
  return {
    result: { kind: 'failed', passing: false, answer: given.result },
    changes: [...changes, ...given.changes],
  };
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
export function prove(
  facts: Facts,
  order: Pick<DeliveryOrder, 'dependency' | 'version' | 'generation'>,
  given: Evidence,
): Decided<AfterDelivery> {
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

function confirmation(facts: Facts, versionId: string, justMoved: string): Change[] {
  const left = pendingDependencies(facts, versionId).filter(
    ({ dependencyId }) => dependencyId !== justMoved,
  );
  const version = versionOf(facts, versionId);
  if (left.length > 0 || version?.current === true) return [];
  return [{ change: 'version-confirmed', versionId }];
}

/** Nobody is left to move: the version is confirmed without a delivery. */
export function confirmAlone(facts: Facts): Decided<Answer> {
  const standing = standingAnswer(facts);
  if (standing !== undefined) return answered(standing);
  const towards = usableVersion(facts)?.versionId;
  if (towards === undefined) return answered({ kind: 'replan', told: 'no version to confirm' });
  const told = 'nobody else has to move';
  return { result: { kind: 'done', told }, changes: confirmation(facts, towards, '') };
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
function turnedAround(facts: Facts, dependency: DependencyFacts, answer: Answer): Decided<Answer> {
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
