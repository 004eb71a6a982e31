/** Dependents of a wave move side by side, and a run tells one thing: what only a person can mend goes before what passes. */
import type { Change, Decided } from '../change.js';
import { isPassing, type AdapterErrorCode } from '../errors.js';
import type { Facts } from '../facts.js';
import { deliveryOf, pendingDependencies } from '../progress.js';

/** Somebody cannot be written to, and no further try of rotor's changes that. */
function isHeld(facts: Facts): boolean {
  const towards = facts.run.plan?.towards;
  if (towards === undefined) return false;
  return pendingDependencies(facts, towards).some(({ dependencyId }) => {
    const failure = deliveryOf(facts, dependencyId, towards)?.failure;
    return failure !== undefined && !isPassing(failure as AdapterErrorCode);
  });
}

/** Without what would hide that the run is held by another one. */
export function toldBeside(facts: Facts, changes: readonly Change[]): readonly Change[] {
  if (!isHeld(facts)) return changes;
  return changes.filter((change) => !passes(change));
}

function passes(change: Change): boolean {
  if (change.change === 'run-goes-on') return true;
  if (change.change !== 'run-waits') return false;
  return change.until !== undefined || change.code === 'retrying';
}

export function besideOthers<T>(facts: Facts, { result, changes }: Decided<T>): Decided<T> {
  return { result, changes: toldBeside(facts, changes) };
}
