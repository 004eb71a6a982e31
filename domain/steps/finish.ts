/** The end of a run: what is left at destinations, what is watched, and how it ended. */
import type { Change, Decided } from '../change.js';
import type { Facts, VersionFacts } from '../facts.js';
import type { Answer } from '../run.js';
import { revokedSince } from './plan.js';
import { extraWaveAnswer, standingAnswer } from './standing.js';

/** Dead versions whose values destinations or the store may still hold. */
export function versionsToForget(facts: Facts): VersionFacts[] {
  return facts.versions.filter(
    ({ state, value }) => (state === 'revoked' || state === 'ended') && value === 'sealed',
  );
}

/** Before anything is cleaned: has the plan changed? After a compromise late declarations still move. */
export function mayClean(facts: Facts): Answer | undefined {
  return (
    standingAnswer(facts) ??
    (facts.run.plan?.direction === 'back' ? undefined : extraWaveAnswer(facts))
  );
}

export interface Cleaned {
  readonly forgotten: readonly string[];
  /** Per destination that could not be cleaned, why. */
  readonly failures: readonly { readonly about: string; readonly message: string }[];
}

export function finishClean(facts: Facts, { forgotten, failures }: Cleaned): Decided<Answer> {
  const destroyed: Change[] = forgotten.map((versionId) => ({
    change: 'value-known',
    versionId,
    value: 'destroyed',
  }));
  const found: Change[] = failures.map(({ about, message }) => ({
    change: 'found',
    finding: { code: 'clean-failed', about, message },
  }));
  const told = failures.length > 0 ? `left behind: ${failures.length}` : 'nothing is left behind';
  const last = facts.run.plan?.steps.at(-1) === 'clean';
  const ended: Change[] = last ? [{ change: 'run-ended', outcome: 'rolled-back' }] : [];
  return { result: { kind: 'done', told }, changes: [...destroyed, ...found, ...ended] };
}

/** Every version that this run ended is watched for late use; the run itself is over. */
export function decideMonitor(facts: Facts): Decided<Answer> {
  const early = mayClean(facts);
  if (early !== undefined) return { result: early, changes: [] };
  const dead = revokedSince(facts);
  const until = new Date(facts.now.getTime() + facts.policy.monitorPeriodMs);
  const watching: Change[] = dead.map((versionId) => ({ change: 'monitoring', versionId, until }));
  const told = dead.length > 0 ? `watched until ${until.toISOString()}` : 'nothing to watch';
  return {
    result: { kind: 'done', told },
    changes: [...watching, { change: 'run-ended', outcome: 'succeeded' }],
  };
}
