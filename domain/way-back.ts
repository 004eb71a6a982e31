/** Whether a run may still turn around: asked of people's decisions, and of the run that turns by itself. */
import type { Facts, VersionFacts } from './facts.js';
import { predecessorToReturnTo, wasDelivered } from './progress.js';

/** Undefined where it may. */
export function whyNoWayBack(facts: Facts): 'revoke-called' | 'no-way-back' | undefined {
  if (facts.versions.some((version) => wasEnded(facts, version))) return 'revoke-called';
  const towards = facts.run.plan?.towards;
  if (towards === undefined || !wasDelivered(facts, towards)) return undefined;
  return predecessorToReturnTo(facts, towards) === undefined ? 'no-way-back' : undefined;
}

/**
 * A version that was in service, and that this run has revoked or has called the revoke of. What the run made
 * itself, and a leftover that nobody was ever moved to, are nothing to go back to.
 */
function wasEnded({ run, grants }: Facts, version: VersionFacts): boolean {
  const { versionId, runId, origin, confirmedAt, revokedAt } = version;
  if (runId === run.runId || origin === 'orphan' || confirmedAt === undefined) return false;
  const called = grants.some(
    (grant) =>
      grant.runId === run.runId && grant.versionId === versionId && grant.calledAt !== undefined,
  );
  return called || (revokedAt !== undefined && revokedAt >= run.requestedAt);
}

/** There has to be somebody to go back to, also where nobody was given the successor yet. */
export function canTurnByItself(facts: Facts): boolean {
  const towards = facts.run.plan?.towards;
  if (towards === undefined || whyNoWayBack(facts) !== undefined) return false;
  return predecessorToReturnTo(facts, towards) !== undefined;
}
