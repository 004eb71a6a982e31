/** Moving one dependent: a lease, a write, a look back, a proof. */
import { lastAsked } from '../asking.js';
import type { Change, Decided } from '../change.js';
import type { Destination } from '../connector.js';
import type { Evidence } from '../evidence.js';
import type { DependencyFacts, Facts, VersionFacts } from '../facts.js';
import {
  deliveryOf,
  evidenceNeeded,
  hasMoved,
  versionOf,
  withheldDependencies,
} from '../progress.js';
import type { Answer } from '../run.js';
import { isUsable } from '../version.js';
import { besideOthers } from './beside.js';
import { askPerson, settledTasks } from './ask.js';
import { confirmation, prove, turnedAround, type AfterDelivery } from './prove.js';
import { useQuestion, type UseQuestion } from './use-question.js';
import { leaseOf, leaseOfOthers, takeLease } from './lease.js';
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
    const changes = [...settledTasks(facts, dependencyId), ...confirmation(facts, versionId, '')];
    return asOrder({ result: { kind: 'done', told: idle ?? 'no longer declared' }, changes });
  }
  const early = notNow(facts, dependency, versionId);
  if (early !== undefined) return asOrder(besideOthers(facts, early));
  return dependency.assignment === undefined
    ? orderDelivery(facts, dependency, version)
    : asOrder(besideOthers(facts, askPerson(facts, dependency, version)));
}

function orderDelivery(
  facts: Facts,
  dependency: DependencyFacts,
  version: VersionFacts,
): Decided<DeliveryOrder> {
  const { destinationId } = dependency;
  const lease = takeLease(facts, destinationId, version.versionId);
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

/** Outside of windows only who has the value already, or was asked for it, is looked at. */
function notNow(
  facts: Facts,
  dependency: DependencyFacts,
  versionId: string,
): Decided<Answer> | undefined {
  const { dependencyId, destinationId } = dependency;
  const closed = outsideWindow(facts);
  const asked = lastAsked(facts, dependency, versionId);
  const has =
    deliveryOf(facts, dependencyId, versionId)?.deliveredAt !== undefined ||
    (asked !== undefined && asked.state !== 'closed');
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
  | {
      readonly kind: 'failed';
      readonly code: string;
      /** What the connector said: a fixed message. */
      readonly said: string;
      readonly passing: boolean;
    };

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
  const told = `${dependency.dependent}: ${dependency.connector} ${outcome.code} (${dependency.identity}): ${outcome.said}`;
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

/** Nobody is left to move: the version is confirmed without a delivery. */
export function confirmAlone(facts: Facts): Decided<Answer> {
  const standing = standingAnswer(facts);
  if (standing !== undefined) return answered(standing);
  const towards = usableVersion(facts)?.versionId;
  if (towards === undefined) return answered({ kind: 'replan', told: 'no version to confirm' });
  const told = 'nobody else has to move';
  return { result: { kind: 'done', told }, changes: confirmation(facts, towards, '') };
}
