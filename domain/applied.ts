/** Facts as they are after a decision about one dependent, so that the next one needs no new reading. */
import type { Change, DeliveryChanged } from './change.js';
import type { DeliveryFacts, Facts } from './facts.js';
import { deliveryOf } from './progress.js';
import { leaseOf } from './steps/lease.js';

type Of<K extends Change['change']> = Extract<Change, { change: K }>;
type Ways = { readonly [K in Change['change']]?: (facts: Facts, change: Of<K>) => Facts };

/** Undefined where one of the changes is of another kind: then the facts are to be read again. */
export function applied(facts: Facts, changes: readonly Change[]): Facts | undefined {
  let after: Facts | undefined = facts;
  for (const change of changes) {
    const way = ways[change.change] as ((facts: Facts, change: Change) => Facts) | undefined;
    after = after && way?.(after, change);
  }
  return after;
}

const ways: Ways = {
  'lease-taken': (facts, change) => {
    const lease = { ...change, runId: facts.run.runId, released: false };
    const before = leaseOf(facts, change.destinationId);
    return { ...facts, leases: replaced(facts.leases, before, lease) };
  },
  'lease-released': (facts, { destinationId, generation }) => {
    const lease = leaseOf(facts, destinationId);
    if (lease?.generation !== generation) return facts;
    return { ...facts, leases: replaced(facts.leases, lease, { ...lease, released: true }) };
  },
  delivery: (facts, change) => {
    const before = deliveryOf(facts, change.dependencyId, change.versionId);
    const after = delivered(facts.now, before ?? untouched, change);
    return { ...facts, deliveries: replaced(facts.deliveries, before, after) };
  },
};

const untouched = {
  generation: 0,
  evidence: undefined,
  deliveredAt: undefined,
  movedAt: undefined,
} as const;

/** As the registry writes it. */
function delivered(
  now: Date,
  before: Omit<DeliveryFacts, 'dependencyId' | 'versionId' | 'failure'>,
  change: DeliveryChanged,
): DeliveryFacts {
  const { dependencyId, versionId, generation, failure } = change;
  return {
    dependencyId,
    versionId,
    generation: Math.max(generation, before.generation),
    evidence: change.evidence ?? before.evidence,
    deliveredAt: before.deliveredAt ?? (change.delivered ? now : undefined),
    movedAt: change.moved ? (before.movedAt ?? now) : undefined,
    failure,
  };
}

function replaced<T>(list: readonly T[], before: T | undefined, after: T): readonly T[] {
  if (before === undefined) return [...list, after];
  return list.map((one) => (one === before ? after : one));
}
