/** Who has moved, who is skipped, which version follows which: readings of the facts that many decisions share. */
import { isAtLeast, type Evidence } from './evidence.js';
import type { DeliveryFacts, DependencyFacts, Facts, LeaseFacts, VersionFacts } from './facts.js';
import { indexedBy } from './indexed.js';
import type { TaskFacts } from './task.js';
import { isLive, isUsable } from './version.js';

export function versionOf(facts: Facts, versionId: string): VersionFacts | undefined {
  return facts.versions.find((version) => version.versionId === versionId);
}

export function currentVersion(facts: Facts): VersionFacts | undefined {
  return facts.versions.find((version) => version.current);
}

export function liveVersions(facts: Facts): VersionFacts[] {
  return facts.versions.filter(({ state }) => isLive(state));
}

function deliveryKey({
  dependencyId,
  versionId,
}: Pick<DeliveryFacts, 'dependencyId' | 'versionId'>): string {
  return `${dependencyId} ${versionId}`;
}

const deliveriesByKey = indexedBy<DeliveryFacts>(deliveryKey);

export function deliveryOf(
  facts: Facts,
  dependencyId: string,
  versionId: string,
): DeliveryFacts | undefined {
  return deliveriesByKey(facts.deliveries).get(deliveryKey({ dependencyId, versionId }));
}

/** Proven for this version, and nothing else was written there since. */
export function hasMoved(facts: Facts, dependency: DependencyFacts, versionId: string): boolean {
  if (!isLastWritten(facts, dependency, versionId)) return false;
  if (neverLeft(facts, dependency)) return true;
  const delivery = deliveryOf(facts, dependency.dependencyId, versionId);
  if (delivery?.movedAt === undefined || isDoubted(facts, dependency, delivery)) return false;
  return isAtLeast(delivery.evidence, evidenceNeeded(facts, dependency));
}

export const leasesByDestination = indexedBy(({ destinationId }: LeaseFacts) => destinationId);

/** A person's word counts until they are asked anew. */
function isDoubted(
  facts: Facts,
  { assignment, dependencyId }: DependencyFacts,
  { evidence, versionId }: DeliveryFacts,
): boolean {
  if (assignment === undefined || evidence !== 'human') return false;
  const last = facts.tasks
    .filter((task) => task.kind === 'enter' && task.dependencyId === dependencyId)
    .filter((task) => task.versionId === versionId)
    .at(-1);
  if (last === undefined) return false;
  return last.state !== 'confirmed' || isAskedAgain(facts, last);
}

/** Since they answered, somebody wants them to try again. */
export function isAskedAgain({ run }: Facts, { dependencyId, settledAt }: TaskFacts): boolean {
  return run.decisions.some(
    (decision) =>
      decision.kind === 'retry' &&
      (decision.dependencyId ?? dependencyId) === dependencyId &&
      settledAt !== undefined &&
      decision.at > settledAt,
  );
}

/** The newest generation of the destination carries this version, or rotor never wrote there. */
function isLastWritten(
  { leases }: Facts,
  { destinationId }: DependencyFacts,
  versionId: string,
): boolean {
  const lease = leasesByDestination(leases).get(destinationId);
  return lease === undefined || lease.versionId === versionId;
}

/** Rolling back, whoever was not given the successor has nothing to go back from. */
function neverLeft(facts: Facts, { dependencyId }: DependencyFacts): boolean {
  const { plan } = facts.run;
  if (plan?.direction !== 'back') return false;
  return !plan.ends.some((left) => deliveryOf(facts, dependencyId, left) !== undefined);
}

/**
 * Rolling back, it is enough that the destination holds the predecessor: who could not prove the new
 * version may not prove the old one either, and that nobody uses the successor is asked for anyway.
 */
export function evidenceNeeded(
  { run }: Facts,
  { leastEvidence, assignment }: DependencyFacts,
): Evidence {
  const back = run.plan?.direction === 'back';
  // Nobody reads back what a person wrote: short of being seen, there is their word.
  if (assignment !== undefined) return back || leastEvidence !== 'observed' ? 'human' : 'observed';
  return back && isAtLeast(leastEvidence, 'read-back') ? 'read-back' : leastEvidence;
}

/** Who was skipped on the way there has to come back: turning around forgets it. */
export function skippedDependencies(facts: Facts): ReadonlySet<string> {
  const skipped = new Set<string>();
  for (const { kind, dependencyId } of facts.run.decisions) {
    if (kind === 'roll-back' || kind === 'abort') skipped.clear();
    if (dependencyId === undefined) continue;
    if (kind === 'skip') skipped.add(dependencyId);
    if (kind === 'retry') skipped.delete(dependencyId);
  }
  return skipped;
}

/** What they held before is nothing new: going back, nobody is withheld from. */
export function withheldDependencies({ run, dependencies }: Facts): DependencyFacts[] {
  if (run.plan?.direction === 'back') return [];
  return dependencies.filter(({ withheld }) => withheld !== undefined);
}

/** Dependencies that still have to move to the version, without whoever was skipped or is withheld from. */
export function pendingDependencies(facts: Facts, versionId: string): DependencyFacts[] {
  const withheld = withheldDependencies(facts).map(({ dependencyId }) => dependencyId);
  const skipped = new Set([...skippedDependencies(facts), ...withheld]);
  return facts.dependencies.filter(
    (dependency) =>
      !skipped.has(dependency.dependencyId) && !hasMoved(facts, dependency, versionId),
  );
}

/** A version that this run made or may adopt as its successor: alive, never refused, newer than the current one. */
export function successorCandidate(
  facts: Facts,
  ending: ReadonlySet<string>,
): VersionFacts | undefined {
  const floor = currentVersion(facts)?.ordinal ?? 0;
  return facts.versions
    .filter(({ versionId }) => !ending.has(versionId))
    .filter(({ state, refused }) => !refused && (state === 'active' || state === 'pending'))
    .filter(({ origin, runId }) => origin === 'minted' || runId === facts.run.runId)
    .filter(({ ordinal, runId }) => runId === facts.run.runId || ordinal > floor)
    .filter(({ value, state }) => state === 'pending' || value === 'sealed')
    .sort((a, b) => a.ordinal - b.ordinal)
    .at(-1);
}

/** The usable version with a known value that a roll back returns to; never one that has expired. */
export function predecessorToReturnTo(facts: Facts, successorId: string): VersionFacts | undefined {
  return facts.versions
    .filter(({ versionId }) => versionId !== successorId)
    .filter(({ state, value }) => isUsable(state) && value === 'sealed')
    .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > facts.now)
    .sort((a, b) => Number(a.current) - Number(b.current) || a.ordinal - b.ordinal)
    .at(-1);
}

/** Also where a write was only begun: it may have happened. */
export function wasDelivered({ deliveries, leases }: Facts, versionId: string): boolean {
  const isGiven = deliveries.some((d) => d.versionId === versionId && d.generation > 0);
  return isGiven || leases.some((lease) => lease.versionId === versionId);
}

/**
 * Usable, or ordered without an answer: it is looked for before the run ends. A mint is unfinished until what it may
 * have made was found, or a person was told that rotor cannot find it.
 */
export function mayExist({ effects }: Facts, { versionId, state }: VersionFacts): boolean {
  if (state !== 'pending') return isUsable(state);
  return effects.some((e) => e.kind === 'mint' && e.versionId === versionId && !e.finished);
}
