/** What an issuer's traits allow a run to do: replace beside, or in place; refuse reversibly first, or not. */
import type { Facts } from './facts.js';
import type { OpenUse } from './issuer.js';
import { isUsable } from './version.js';

/** The issuer holds one value at a time, and there is one already. */
export function isReplacedInPlace(facts: Facts): boolean {
  return (
    facts.traits.overlap.kind === 'none' && facts.versions.some(({ state }) => isUsable(state))
  );
}

/**
 * Whether a reversible refusal comes before the revoke. Where nobody sees who is refused, whoever fails has to say so: that is worth
 * its outage only by the policy's word, and where it ends by itself nobody would ever know.
 */
export function disables({ policy, traits }: Facts): boolean {
  if (policy.disablePeriodMs === 0) return false;
  if (traits.disable === 'manual') return policy.allowManualDisable;
  return traits.disable === 'expires' && traits.seesRefusals;
}

/**
 * Where an issuer shows what a principal has open, and not by which credential, what was opened once another
 * version could be used may be that one's. Undefined: all that is open counts as this version's.
 */
export function countsIfOpenedBefore(
  { traits, versions }: Facts,
  versionId: string,
): Date | undefined {
  if (traits.tellsOpenUseApart) return undefined;
  const others = versions.filter((one) => one.versionId !== versionId && isUsable(one.state));
  const since = others.flatMap(({ activatedAt }) => activatedAt?.getTime() ?? []);
  return since.length === 0 ? undefined : new Date(Math.max(...since));
}

export function openedBefore(open: readonly OpenUse[], moment: Date | undefined): OpenUse[] {
  return open.filter(({ since }) => moment === undefined || since < moment);
}
