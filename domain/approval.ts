/** Approvals: what of a plan is approved, when one approval covers a later plan, and what is still missing. */
import { acceptedOutages, acceptedUnseenUse } from './acceptance.js';
import { describeSource } from './attribution.js';
import type { Blocker } from './blocker.js';
import { isAtLeast, type Evidence } from './evidence.js';
import type { ApprovalFacts, Facts, PlanContent } from './facts.js';
import { carries } from './labels.js';
import type { ApprovalRule } from './policy.js';
import { versionOf } from './progress.js';
import { isLive } from './version.js';
import type { DecisionKind, PlannedWave } from './run.js';
import { shortId } from './told-id.js';

/** What of a plan is said in its content. */
interface Planned extends Pick<PlanContent, 'direction' | 'ends' | 'steps'> {
  readonly waves: readonly PlannedWave[];
}

export function contentOf(facts: Facts, plan: Planned): PlanContent {
  const declared = new Map(facts.dependencies.map((d) => [d.dependencyId, d]));
  return {
    kind: facts.run.kind,
    direction: plan.direction,
    secret: facts.secret.secretId,
    ends: plan.ends,
    specification: facts.secret.specification,
    steps: plan.steps,
    waves: plan.waves.map(({ name, batches }) => ({
      name,
      dependencies: batches.flat().map((dependencyId) => ({
        dependencyId,
        leastEvidence: declared.get(dependencyId)?.leastEvidence,
        usesAtLeastEveryMs: declared.get(dependencyId)?.usesAtLeastEveryMs,
      })),
    })),
    policyRevision: facts.policyRevision,
    ...mayBreakIn(facts),
  };
}

/** An outage that is accepted is part of what others approve. */
function mayBreakIn({ run }: Facts): Pick<PlanContent, 'mayBreak'> {
  const outages = acceptedOutages(run).flatMap(({ dependents, sources }) => [
    ...dependents,
    ...sources.map(describeSource),
  ]);
  const unseen = acceptedUnseenUse(run) === undefined ? [] : ['unseen use'];
  const anyTime = run.decisions.some(({ kind }) => kind === 'ignore-window');
  const windows = anyTime ? ['somebody outside of the maintenance windows'] : [];
  const mayBreak = [...new Set([...outages, ...unseen, ...windows])].sort();
  return mayBreak.length === 0 ? {} : { mayBreak };
}

/** The rule that this run is under; a roll back and containing a compromise wait for nobody. */
export function approvalRule({ run, policy, secret }: Facts): ApprovalRule | undefined {
  if (run.kind === 'compromise' || run.plan?.direction === 'back') return undefined;
  return policy.approvals?.find(
    ({ kinds, labels }) => kinds.includes(run.kind) && carries(secret.labels, labels),
  );
}

/** In words, what the later plan does that the approved one did not say; empty: it is covered. */
export function beyond(facts: Facts, approved: PlanContent, now: PlanContent): string[] {
  const ended = new Set(approved.ends);
  const steps = new Set(approved.steps);
  const known = new Set(dependenciesOf(approved).map(({ dependencyId }) => dependencyId));
  const added = dependenciesOf(now).filter(({ dependencyId }) => !known.has(dependencyId));
  const earlier = movedEarlier(approved, now);
  const breaking = (now.mayBreak ?? []).filter(
    (name) => approved.mayBreak?.includes(name) !== true,
  );
  const named = (ids: readonly { readonly dependencyId: string }[]): string =>
    ids.map(({ dependencyId }) => nameOf(facts, dependencyId)).join(', ');
  const rules: [boolean, string][] = [
    [approved.kind !== now.kind || approved.direction !== now.direction, 'it is another run'],
    [added.length > 0, `it also moves ${named(added)}`],
    [now.ends.some((id) => !ended.has(id)), `it also ends ${newEnds(facts, now, ended)}`],
    [now.steps.some((step) => !steps.has(step)), `it has other steps: ${now.steps.join(', ')}`],
    [earlier.length > 0, `it moves ${named(earlier)} earlier`],
    [breaking.length > 0, `it may break ${breaking.join(', ')}`],
  ];
  const more = rules.filter(([holds]) => holds).map(([, words]) => words);
  return [...more, ...otherTerms(approved, now), ...weakened(facts, approved)];
}

/** What was approved was approved under a policy, and for rights: with others, it is another thing. */
function otherTerms(approved: Terms, now: Terms): string[] {
  const policy = approved.policyRevision === now.policyRevision ? [] : ['the policy changed'];
  const same = isSame(approved.specification, now.specification);
  return same ? policy : [...policy, 'the specification changed'];
}

type Terms = Pick<PlanContent, 'policyRevision' | 'specification'>;

/** In words, what was approved of dependents and is no longer asked of them: declarations change while a run is open. */
function weakened(facts: Facts, approved: PlanContent): string[] {
  const declared = new Map(facts.dependencies.map((d) => [d.dependencyId, d]));
  const wanted = dependenciesOf(approved).map((was) => ({
    was,
    is: declared.get(was.dependencyId),
  }));
  const gone = wanted.filter(({ is }) => is === undefined).length;
  const weaker = wanted.filter(
    ({ was, is }) => is !== undefined && !isStrongEnough(is.leastEvidence, was.leastEvidence),
  );
  const sooner = wanted.filter(
    ({ was, is }) =>
      is !== undefined && (is.usesAtLeastEveryMs ?? 0) < (was.usesAtLeastEveryMs ?? 0),
  );
  const named = (found: typeof wanted): string =>
    found.map(({ is }) => is?.dependent ?? '').join(', ');
  return [
    ...(gone > 0 ? [`it no longer waits for ${gone} dependent${gone === 1 ? '' : 's'}`] : []),
    ...(weaker.length > 0 ? [`it asks for less evidence of ${named(weaker)}`] : []),
    ...(sooner.length > 0 ? [`it takes a shorter silence of ${named(sooner)} for proof`] : []),
  ];
}

function dependenciesOf({ waves }: PlanContent): PlanContent['waves'][number]['dependencies'] {
  return waves.flatMap(({ dependencies }) => dependencies);
}

/** Dependents that no longer wait for those of an earlier wave of the approved plan. */
function movedEarlier(
  approved: PlanContent,
  now: PlanContent,
): PlanContent['waves'][number]['dependencies'] {
  const ranks = new Map(
    approved.waves.flatMap(({ dependencies }, rank) =>
      dependencies.map(({ dependencyId }) => [dependencyId, rank] as const),
    ),
  );
  const rankOf = ({ dependencyId }: { readonly dependencyId: string }): number =>
    ranks.get(dependencyId) ?? Number.POSITIVE_INFINITY;
  return now.waves.flatMap(({ dependencies }, index) => {
    const left = now.waves.slice(index).flatMap((wave) => wave.dependencies);
    const first = Math.min(...left.map(rankOf));
    return dependencies.filter((one) => ranks.has(one.dependencyId) && rankOf(one) > first);
  });
}

function isStrongEnough(now: Evidence | undefined, approved: Evidence | undefined): boolean {
  return approved === undefined || (now !== undefined && isAtLeast(now, approved));
}

/** Both come from the database, which keeps one order of keys. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function nameOf({ dependencies }: Facts, id: string): string {
  return dependencies.find(({ dependencyId }) => dependencyId === id)?.dependent ?? id;
}

function newEnds(facts: Facts, { ends }: PlanContent, ended: ReadonlySet<string>): string {
  const versions = ends.filter((id) => !ended.has(id)).map((id) => versionOf(facts, id));
  return versions.map((version) => `v${version?.ordinal ?? '?'}`).join(', ');
}

/** Approvals that hold for the plan now, one per person; nobody approves what they asked for. */
export function holdingApprovals(
  facts: Facts,
  { by }: ApprovalRule,
  now: PlanContent,
): ApprovalFacts[] {
  const holding = facts.run.approvals.filter(
    ({ person, expiresAt, content }) =>
      (by.length === 0 || by.includes(person)) &&
      !hasAskedFor(facts, person) &&
      expiresAt > facts.now &&
      beyond(facts, content, now).length === 0,
  );
  return onePerPerson(holding);
}

/**
 * Also who asked for the same, and joined, or said of this run that something may break: two persons are to
 * agree, not one twice.
 */
export function hasAskedFor({ run }: Facts, person: string): boolean {
  return (
    person === run.requestedPerson ||
    run.joinedPersons.includes(person) ||
    run.decisions.some((decision) => accepting.has(decision.kind) && decision.person === person)
  );
}

/** What is accepted is part of the plan that others approve. */
const accepting: ReadonlySet<DecisionKind> = new Set([
  'accept-outage',
  'accept-unseen-use',
  'ignore-window',
]);

function onePerPerson(approvals: readonly ApprovalFacts[]): ApprovalFacts[] {
  return [...new Map(approvals.map((approval) => [approval.person, approval])).values()];
}

/** Whether the run began under approvals of the plan that it is carrying out: they may be over by now. */
export function approvalMissing(facts: Facts): Blocker[] {
  const rule = approvalRule(facts);
  const { plan, approvals } = facts.run;
  if (rule === undefined || plan === undefined || plan.direction === 'back') return [];
  const used = onePerPerson(approvals.filter(({ usedFor }) => usedFor.includes(plan.hash)));
  if (used.length >= rule.needed) return [];
  return [{ code: 'approval-needed', message: 'the plan that is carried out is not approved' }];
}

/** Why the plan that is carried out has to be made, and approved, anew; undefined where it holds. */
export function whyApproveAnew(facts: Facts): string | undefined {
  const { plan } = facts.run;
  if (approvalRule(facts) === undefined || plan === undefined) return undefined;
  // What was approved has been done.
  if (!plan.ends.some((id) => isLive(versionOf(facts, id)?.state ?? 'ended'))) return undefined;
  if (plan.content === undefined) return 'its policy asks for approval since';
  const { policyRevision, secret } = facts;
  const terms = { policyRevision, specification: secret.specification };
  const other = [...otherTerms(plan.content, terms), ...weakened(facts, plan.content)];
  return other.length === 0 ? undefined : `since it was approved, ${other.join('; ')}`;
}

/** What people read of a run that waits for them. */
export function whatIsMissing(facts: Facts, rule: ApprovalRule, now: PlanContent): string {
  const holding = holdingApprovals(facts, rule, now);
  const left = rule.needed - holding.length;
  const who = rule.by.length > 0 ? ` of ${rule.by.join(', ')}` : '';
  const asked = `${left} approval${left === 1 ? '' : 's'}${who} needed: rotor approve ${shortId(facts.run.runId)}`;
  const last = facts.run.approvals.filter(({ expiresAt }) => expiresAt > facts.now).at(-1);
  const changes = last === undefined ? [] : beyond(facts, last.content, now);
  return changes.length === 0
    ? asked
    : `${asked}; since ${last?.person ?? ''} approved, ${changes.join('; ')}`;
}
