/** The plan of a run, computed from facts alone: the same facts always give the same plan. */
import { approvalRule } from './approval.js';
import type { DecisionFacts, DependencyFacts, Facts, VersionFacts } from './facts.js';
import {
  currentVersion,
  liveVersions,
  mayExist,
  pendingDependencies,
  predecessorToReturnTo,
  successorCandidate,
  versionOf,
  wasDelivered,
} from './progress.js';
import type { PlannedWave, StepName } from './run.js';
import { disables, isReplacedInPlace } from './issuer-ways.js';
import { planWaves } from './waves.js';
import { warningsOf, type PlanWarning } from './warnings.js';

export interface Plan {
  readonly direction: 'forward' | 'back';
  readonly title: string;
  readonly steps: readonly StepName[];
  /** The version dependents move to: an id where it exists already. */
  readonly towards: string | undefined;
  /** Versions that the run ends, oldest first. */
  readonly ends: readonly string[];
  readonly waves: readonly PlannedWave[];
  readonly warnings: readonly PlanWarning[];
}

export function planRun(facts: Facts): Plan {
  const way = wayBack(facts);
  return way === undefined ? planForward(facts) : planBack(facts, way);
}

/** The decision that turned the run around, if any. A run never turns forward again. */
export function wayBack(facts: Facts): DecisionFacts | undefined {
  return facts.run.decisions.find(({ kind }) => kind === 'roll-back' || kind === 'abort');
}

function planForward(facts: Facts): Plan {
  const named = new Set(namedVersions(facts));
  const successor = hasSuccessor(facts)
    ? (soundCurrent(facts, named) ?? successorCandidate(facts, named))
    : undefined;
  const ends = endsOf(facts, named, successor);
  const pending = hasSuccessor(facts)
    ? pendingDependencies(facts, successor?.versionId ?? 'none yet')
    : [];
  const nobodyMoved = pending.length === facts.dependencies.length;
  return {
    direction: 'forward',
    title: titleOf(facts, ends, successor),
    steps: approvedFirst(facts, { ends, successor, pending: pending.length }),
    towards: successor?.versionId,
    ends: ends.map(({ versionId }) => versionId),
    waves: planWaves(policyOf(facts), pending, nobodyMoved),
    warnings: warningsOf(facts),
  };
}

/** Who has to be saved from a leak, or is refused already, does not wait for anybody's proof: everybody moves at once. */
function policyOf(facts: Facts): Facts['policy'] {
  const { policy, run } = facts;
  const atOnce = run.kind === 'compromise' || isReplacedInPlace(facts);
  return atOnce ? { ...policy, canary: false, waves: [] } : policy;
}

export function hasSuccessor(facts: Facts): boolean {
  return facts.run.kind === 'rotate' || facts.run.kind === 'compromise';
}

/** Versions that the request itself names or implies, whatever their successor is. */
function namedVersions(facts: Facts): string[] {
  const { kind, options } = facts.run;
  if (options.versionIds !== undefined) return [...options.versionIds];
  if (kind === 'decommission') return liveVersions(facts).map(({ versionId }) => versionId);
  if (kind !== 'compromise') return [];
  const leaked = liveVersions(facts)
    .filter((version) => isLeaked(facts, version))
    .filter(({ runId }) => runId !== facts.run.runId)
    .map(({ versionId }) => versionId);
  return [...leaked, ...(options.alsoVersionIds ?? [])];
}

function isLeaked(facts: Facts, version: VersionFacts): boolean {
  const { leakedBefore, everyVersion } = facts.run.options;
  if (leakedBefore === undefined) return everyVersion === true || !isFresh(facts, version);
  // What is older than rotor may be older than anything.
  return version.origin !== 'minted' || version.createdAt < new Date(leakedBefore);
}

/** Only earlier versions leaked: everybody moves to the one that is in use, and none is made. */
function soundCurrent(facts: Facts, leaked: ReadonlySet<string>): VersionFacts | undefined {
  const current = currentVersion(facts);
  if (facts.run.kind !== 'compromise' || current === undefined) return undefined;
  const { versionId, state, value, refused, expiresAt } = current;
  const lasts = expiresAt === undefined || expiresAt > facts.now;
  const sound = state === 'active' && value === 'sealed' && !refused && lasts;
  return sound && !leaked.has(versionId) ? current : undefined;
}

/** On its way to dependents and newer than what leaked: the one live version that a compromise may keep. */
function isFresh(facts: Facts, { origin, state, confirmedAt, ordinal }: VersionFacts): boolean {
  if (origin !== 'minted' || confirmedAt !== undefined) return false;
  if (state !== 'pending' && state !== 'active') return false;
  return ordinal > (currentVersion(facts)?.ordinal ?? Number.POSITIVE_INFINITY);
}

function endsOf(
  facts: Facts,
  named: ReadonlySet<string>,
  successor: VersionFacts | undefined,
): VersionFacts[] {
  const live = liveVersions(facts).filter(({ versionId }) => versionId !== successor?.versionId);
  const ending = facts.run.kind === 'rotate' ? live : live.filter((v) => named.has(v.versionId));
  return ending.filter((version) => mayExist(facts, version)).sort((a, b) => a.ordinal - b.ordinal);
}

interface Outline {
  readonly ends: readonly VersionFacts[];
  readonly successor: VersionFacts | undefined;
  readonly pending: number;
}

/** Each revision that does more than was approved is asked for again. */
function approvedFirst(facts: Facts, outline: Outline): StepName[] {
  const steps = forwardSteps(facts, outline);
  return approvalRule(facts) === undefined ? steps : ['approve', ...steps];
}

function forwardSteps(facts: Facts, outline: Outline): StepName[] {
  switch (facts.run.kind) {
    case 'rotate':
      return [...provision(facts, outline), ...retire(facts, outline), 'clean', 'monitor'];
    case 'compromise':
      return compromiseSteps(facts, outline);
    case 'revoke':
    case 'decommission':
      return [...retire(facts, outline), 'clean', 'monitor'];
  }
}

function compromiseSteps(facts: Facts, outline: Outline): StepName[] {
  const contain: StepName[] = outline.ends.length > 0 ? ['revoke'] : [];
  if (isReplacedInPlace(facts)) return [...provision(facts, outline), 'clean', 'monitor'];
  return replacesFirst(facts)
    ? [...provision(facts, outline), ...contain, 'clean', 'monitor']
    : [...contain, ...provision(facts, outline), 'clean', 'monitor'];
}

function replacesFirst(facts: Facts): boolean {
  const { options, requestedAt } = facts.run;
  if (options.replaceFirstMs === undefined) return false;
  return facts.now.getTime() < requestedAt.getTime() + options.replaceFirstMs;
}

/** Steps that make the successor and move everybody to it, those left out that hold already. */
function provision(facts: Facts, { successor, pending }: Outline): StepName[] {
  const made = successor?.state === 'active';
  const steps: StepName[] = [];
  if (!made) {
    if (facts.policy.maintenance !== undefined && facts.run.kind === 'rotate') steps.push('window');
    steps.push(...(isReplacedInPlace(facts) ? inPlace(facts) : (['create'] as const)));
  }
  if (!made || pending > 0 || !successor.current) steps.push('update');
  return steps;
}

function inPlace(facts: Facts): readonly StepName[] {
  return facts.run.kind === 'compromise' ? ['cutover'] : ['prepare', 'cutover'];
}

function retire(facts: Facts, { ends }: Outline): StepName[] {
  if (isReplacedInPlace(facts) && hasSuccessor(facts)) return ['verify'];
  if (ends.length === 0) return [];
  return disables(facts) ? ['verify', 'disable', 'revoke'] : ['verify', 'revoke'];
}

function planBack(facts: Facts, decision: DecisionFacts): Plan {
  const successor = hasSuccessor(facts)
    ? (successorCandidate(facts, new Set()) ?? ownSuccessor(facts))
    : undefined;
  const predecessor = predecessorToReturnTo(facts, successor?.versionId ?? 'none');
  const returns = returning(facts, successor, predecessor);
  const ending = successor !== undefined && mayExist(facts, successor) ? [successor.versionId] : [];
  return {
    direction: 'back',
    title: `${hasSuccessor(facts) ? 'Roll back' : 'Bring back'} ${fullName(facts)} (${decision.kind} by ${decision.by})`,
    steps: backSteps(returns, ending.length > 0),
    towards: predecessor?.versionId,
    ends: ending,
    waves: planWaves(facts.policy, returns.pending, false),
    warnings: [],
  };
}

interface Returning {
  /** Some dependent may hold the successor. */
  readonly touched: boolean;
  readonly pending: readonly DependencyFacts[];
  /** Dependents, or the mark `current`, have to go back. */
  readonly needed: boolean;
}

function returning(
  facts: Facts,
  successor: VersionFacts | undefined,
  predecessor: VersionFacts | undefined,
): Returning {
  const touched = successor !== undefined && wasDelivered(facts, successor.versionId);
  if (!touched || predecessor === undefined) return { touched, pending: [], needed: false };
  const pending = pendingDependencies(turned(facts, successor), predecessor.versionId);
  return { touched, pending, needed: pending.length > 0 || !predecessor.current };
}

/** The facts as they are once the run has turned: who has to go back is asked of these. */
function turned(facts: Facts, { versionId }: VersionFacts): Facts {
  const plan = { revision: 0, hash: '', steps: [], towards: undefined };
  return {
    ...facts,
    run: { ...facts.run, plan: { ...plan, direction: 'back', ends: [versionId] } },
  };
}

function backSteps({ touched, needed }: Returning, ends: boolean): StepName[] {
  const steps: StepName[] = needed ? ['update'] : [];
  if (ends && touched) steps.push('verify');
  if (ends) steps.push('revoke');
  return [...steps, 'clean'];
}

function ownSuccessor(facts: Facts): VersionFacts | undefined {
  const towards = facts.run.plan?.direction === 'forward' ? facts.run.plan.towards : undefined;
  const own = facts.versions.filter(({ runId }) => runId === facts.run.runId).at(-1);
  return (towards === undefined ? undefined : versionOf(facts, towards)) ?? own;
}

export function fullName(facts: Facts): string {
  return `${facts.secret.organization}/${facts.secret.name}`;
}

const verbs = {
  rotate: 'Rotate',
  compromise: 'Contain',
  revoke: 'Revoke',
  decommission: 'Decommission',
} as const;

function titleOf(
  facts: Facts,
  ends: readonly VersionFacts[],
  next: VersionFacts | undefined,
): string {
  const from = ends.map(({ ordinal }) => `v${ordinal}`).join(', ');
  const to = next === undefined ? 'a new version' : `v${next.ordinal}`;
  const arrow = hasSuccessor(facts) ? ` → ${to}` : '';
  return `${verbs[facts.run.kind]} ${fullName(facts)}${from === '' ? '' : ` ${from}`}${arrow}`;
}
