/** The end of a run: what is left at destinations, what is watched, and how it ended. */
import { removals } from '../asking.js';
import type { Change, Decided } from '../change.js';
import type { Facts, VersionFacts } from '../facts.js';
import type { Answer } from '../run.js';
import { hasSuccessor } from '../plan.js';
import { mayExist } from '../progress.js';
import { revokedSince } from './plan.js';
import { answered, outdatedAnswer, standingAnswer } from './standing.js';

/** Dead versions whose values destinations or the store may still hold. */
export function versionsToForget(facts: Facts): VersionFacts[] {
  return facts.versions.filter(
    ({ state, value }) => (state === 'revoked' || state === 'ended') && value === 'sealed',
  );
}

/** No version is left to use: what destinations hold is taken away, not replaced. */
export function nothingFollows(facts: Facts): boolean {
  return !facts.versions.some((version) => mayExist(facts, version));
}

/** Before anything is cleaned: has the plan changed? After a compromise late declarations still move. */
export function mayClean(facts: Facts): Answer | undefined {
  return (
    standingAnswer(facts) ??
    (facts.run.plan?.direction === 'back' ? undefined : outdatedAnswer(facts))
  );
}

export interface Cleaned {
  readonly forgotten: readonly string[];
  /** Identities of destinations that hold nothing dead any more. */
  readonly cleaned: readonly string[];
  /** Per destination that could not be cleaned, why. */
  readonly failures: readonly { readonly about: string; readonly message: string }[];
}

export function finishClean(facts: Facts, cleaned: Cleaned): Decided<Answer> {
  const left = cleaned.failures.length;
  const told = left > 0 ? `left behind: ${left}` : 'nothing is left behind';
  const last = facts.run.plan?.steps.at(-1) === 'clean';
  const ended: Change[] = last
    ? [...activeAgain(facts), { change: 'run-ended', outcome: 'rolled-back' }]
    : [];
  return {
    result: { kind: 'done', told, ...(left > 0 ? { leftBehind: left } : {}) },
    changes: [...recordCleaned(facts, cleaned), ...ended],
  };
}

/** Where nobody moved, nobody confirms it once more: what the run wanted to end is in use as before. */
function activeAgain(facts: Facts): Change[] {
  if (hasSuccessor(facts)) return [];
  return facts.versions
    .filter(({ current, state }) => current && state === 'retiring')
    .map(({ versionId }) => ({
      change: 'version-moved',
      versionId,
      from: 'retiring',
      to: 'active',
    }));
}

/** What was cleaned, and what was not: a finding, which the next look closes once nothing is left. */
export function recordCleaned(facts: Facts, { forgotten, cleaned, failures }: Cleaned): Change[] {
  const code = 'clean-failed';
  const closed: Change[] =
    cleaned.length === 0 ? [] : [{ change: 'findings-closed', code, abouts: cleaned }];
  return [
    ...forgotten.map((versionId): Change => ({
      change: 'value-known',
      versionId,
      value: 'destroyed',
    })),
    ...removals(facts, forgotten),
    ...closed,
    ...failures.map(({ about, message }): Change => ({
      change: 'found',
      finding: { code, about, message },
    })),
  ];
}

const anotherVersion: Answer = { kind: 'replan', told: 'a version was adopted meanwhile' };
const retired: Change = { change: 'secret-retired' };

/** Every version that this run ended is watched for late use; the run itself is over. */
export function decideMonitor(facts: Facts): Decided<Answer> {
  const early = mayClean(facts);
  if (early !== undefined) return answered(early);
  const decommissions = facts.run.kind === 'decommission';
  if (decommissions && !nothingFollows(facts)) return answered(anotherVersion);
  const dead = revokedSince(facts);
  const until = new Date(facts.now.getTime() + facts.policy.monitorPeriodMs);
  const watching: Change[] = dead.map((versionId) => ({ change: 'monitoring', versionId, until }));
  const told = dead.length > 0 ? `watched until ${until.toISOString()}` : 'nothing to watch';
  return {
    result: { kind: 'done', told },
    changes: [
      ...watching,
      ...(decommissions ? [retired] : []),
      { change: 'run-ended', outcome: 'succeeded' },
    ],
  };
}
