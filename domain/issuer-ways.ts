/** What an issuer's traits allow a run to do: replace beside, or in place; refuse reversibly first, or not. */
import type { Facts } from './facts.js';
import { isUsable } from './version.js';

/** The issuer holds one value at a time, and there is one already. */
export function isReplacedInPlace(facts: Facts): boolean {
  return (
    facts.traits.overlap.kind === 'none' && facts.versions.some(({ state }) => isUsable(state))
  );
}

/** Whether a reversible refusal comes before the revoke. */
export function disables(facts: Facts): boolean {
  const { policy, traits } = facts;
  if (policy.disablePeriodMs === 0 || !traits.seesRefusals || traits.disable === 'none')
    return false;
  return traits.disable === 'expires' || policy.allowManualDisable;
}
