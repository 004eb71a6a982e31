/** Leases on destinations: who writes there now, and who still might. */
import type { Change } from '../change.js';
import type { ContestedDelivery, Facts, LeaseFacts } from '../facts.js';
import { leasesByDestination } from '../progress.js';
import type { Answer } from '../run.js';

export function leaseOf(facts: Facts, destinationId: string): LeaseFacts | undefined {
  return leasesByDestination(facts.leases).get(destinationId);
}

/** The next generation. Who had the destination and never reported may still write: that is kept until its deadline. */
export function takeLease(
  facts: Facts,
  destinationId: string,
  versionId: string,
): Extract<Change, { change: 'lease-taken' }> {
  const before = leaseOf(facts, destinationId);
  return {
    change: 'lease-taken',
    destinationId,
    generation: (before?.generation ?? 0) + 1,
    versionId,
    deadline: new Date(facts.now.getTime() + facts.policy.timeouts.deliverMs),
    contested: before === undefined ? [] : stillOpen(facts, before),
  };
}

/** Another secret's run is writing this destination right now. */
export function leaseOfOthers(facts: Facts, destinationId: string): Answer | undefined {
  const lease = leaseOf(facts, destinationId);
  if (lease === undefined || lease.released || lease.deadline <= facts.now) return undefined;
  const own = facts.versions.some(({ versionId }) => versionId === lease.versionId);
  if (own) return undefined;
  return {
    kind: 'wait',
    until: lease.deadline.toISOString(),
    told: 'another secret is being written to this destination',
  };
}

/** Until then an earlier delivery may still write over the newest one. */
export function contestedUntil(facts: Facts, destinationId: string): Date | undefined {
  const open = (leaseOf(facts, destinationId)?.contested ?? []).filter(
    ({ deadline }) => deadline > facts.now,
  );
  if (open.length === 0) return undefined;
  return new Date(Math.max(...open.map(({ deadline }) => deadline.getTime())));
}

/** Everything that is, or may be, on its way to one of the secret's destinations. */
export function openDeliveries(facts: Facts): ContestedDelivery[] {
  return facts.leases.flatMap((lease) => stillOpen(facts, lease));
}

function stillOpen(facts: Facts, lease: LeaseFacts): ContestedDelivery[] {
  const { generation, versionId, deadline, released, contested } = lease;
  const newest = released ? [] : [{ generation, versionId, deadline }];
  return [...contested, ...newest].filter((delivery) => delivery.deadline > facts.now);
}
