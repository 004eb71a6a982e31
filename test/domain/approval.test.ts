import { expect, test } from '@jest/globals';
import {
  approvalMissing,
  approvalRule,
  beyond,
  contentOf,
  holdingApprovals,
  whyApproveAnew,
} from '../../domain/approval.js';
import type {
  ApprovalFacts,
  DecisionFacts,
  DependencyFacts,
  Facts,
  PlanContent,
} from '../../domain/facts.js';
import type { Labels } from '../../domain/labels.js';
import type { ApprovalRule } from '../../domain/policy.js';
import type { DecisionKind } from '../../domain/run.js';
import { ago, dependency, facts, now, run, version } from './facts.js';

const approved: PlanContent = {
  kind: 'rotate',
  direction: 'forward',
  secret: 's',
  ends: ['v1'],
  specification: { role: 'Viewer' },
  steps: ['approve', 'create', 'update', 'verify', 'revoke', 'clean', 'monitor'],
  waves: [
    {
      name: 'everyone',
      dependencies: [
        { dependencyId: 'billing', leastEvidence: 'attested' },
        { dependencyId: 'reports', leastEvidence: 'observed', usesAtLeastEveryMs: 3_600_000 },
      ],
    },
  ],
  policyRevision: 1,
};
const waves = (...dependencies: [string, 'human' | 'attested' | 'observed'][]) => ({
  waves: [
    {
      name: 'everyone',
      dependencies: dependencies.map(([dependencyId, leastEvidence]) => ({
        dependencyId,
        leastEvidence,
      })),
    },
  ],
});
const plain = facts({
  versions: [version(1), version(2, { current: true })],
  dependencies: [
    dependency('billing', { leastEvidence: 'attested' }),
    dependency('reports', { usesAtLeastEveryMs: 3_600_000 }),
    dependency('late'),
  ],
});
const known: Facts = {
  ...plain,
  secret: { ...plain.secret, specification: approved.specification },
  policyRevision: approved.policyRevision,
};

test.each<[string, Partial<PlanContent>, string[]]>([
  ['the same', {}, []],
  ['somebody has moved already', waves(['reports', 'observed']), []],
  ['a step is done', { steps: ['approve', 'update', 'verify', 'revoke', 'clean', 'monitor'] }, []],
  ['a version is gone', { ends: [] }, []],
  ['somebody more', waves(['late', 'observed'], ['billing', 'attested']), ['it also moves late']],
  ['a version more', { ends: ['v1', 'v2'] }, ['it also ends v2']],
  ['a step more', { steps: ['approve', 'disable'] }, ['it has other steps: approve, disable']],
  ['another role', { specification: { role: 'Contributor' } }, ['the specification changed']],
  ['another policy', { policyRevision: 2 }, ['the policy changed']],
  ['an outage was accepted since', { mayBreak: ['cron'] }, ['it may break cron']],
  ['another kind', { kind: 'decommission' }, ['it is another run']],
  ['the other direction', { direction: 'back' }, ['it is another run']],
])('what a plan does beyond the approved one: %s', (_, change, words) => {
  expect(beyond(known, approved, { ...approved, ...change })).toEqual(words);
});

const decision: Omit<DecisionFacts, 'kind'> = {
  decisionId: 'd',
  dependencyId: undefined,
  by: 'x',
  reason: 'x',
  at: now,
  read: true,
};
const { plan: planFacts } = run;
if (planFacts === undefined) throw new Error('the run of the facts has a plan');

const [billing, reports, late] = known.dependencies;
const declared = (...dependencies: (DependencyFacts | undefined)[]): Facts => ({
  ...known,
  dependencies: dependencies.filter((one) => one !== undefined),
});
const changed = (one: DependencyFacts | undefined, more: Partial<DependencyFacts>) =>
  one && { ...one, ...more };

test.each<[string, Facts, string[]]>([
  ['nothing changed', known, []],
  ['more evidence', declared(changed(billing, { leastEvidence: 'observed' }), reports), []],
  [
    'less evidence',
    declared(billing, changed(reports, { leastEvidence: 'human' })),
    ['it asks for less evidence of reports'],
  ],
  ['one is gone', declared(reports, late), ['it no longer waits for 1 dependent']],
  ['both are gone', declared(late), ['it no longer waits for 2 dependents']],
  [
    'a shorter silence',
    declared(billing, changed(reports, { usesAtLeastEveryMs: 60_000 })),
    ['it takes a shorter silence of reports for proof'],
  ],
])('what is declared changes while the run is open: %s', (_, given, words) => {
  expect(beyond(given, approved, approved)).toEqual(words);
  expect(whyApproveAnew(carryingOut(given))).toEqual(
    words.length === 0 ? undefined : `since it was approved, ${words[0] ?? ''}`,
  );
});

const plan = { ...planFacts, content: approved };

/** A run that does what was approved, under these facts. */
function carryingOut(given: Facts): Facts {
  const policy = { ...given.policy, approvals: [rule] };
  return { ...given, policy, run: { ...run, plan } };
}

test('the terms that it was approved under change while the run is open', () => {
  const { secret } = known;
  const { specification } = facts().secret;
  expect(whyApproveAnew(carryingOut({ ...known, policyRevision: 2 }))).toContain(
    'the policy changed',
  );
  expect(whyApproveAnew(carryingOut({ ...known, secret: { ...secret, specification } }))).toContain(
    'the specification changed',
  );
});

test('a run that began before its policy asked for approval is planned anew', () => {
  const policy = { ...known.policy, approvals: [rule] };
  const open = { ...known, policy, run: { ...run, plan: planFacts } };
  expect(whyApproveAnew(open)).toBe('its policy asks for approval since');
  expect(whyApproveAnew({ ...open, policy: known.policy })).toBeUndefined();
  expect(whyApproveAnew({ ...open, run: { ...open.run, kind: 'compromise' } })).toBeUndefined();
});

test('who accepted an outage of the run does not approve it', () => {
  const given = withApprovals(approval('ada'), approval('grace'));
  const said = (kind: DecisionKind) => ({
    ...given,
    run: { ...given.run, decisions: [{ ...decision, kind, person: 'ada' }] },
  });
  const who = (of: Facts) => holdingApprovals(of, rule, approved).map(({ person }) => person);
  for (const kind of ['accept-outage', 'accept-unseen-use', 'ignore-window'] as const)
    expect(who(said(kind))).toEqual(['grace']);
  expect(who(said('retry'))).toEqual(['ada', 'grace']);
});

test('who moves without waiting for an earlier wave was not approved so', () => {
  const [wave] = approved.waves;
  const [billing, reports] = wave?.dependencies ?? [];
  if (billing === undefined || reports === undefined) throw new Error('there are two');
  const inTurn = (...groups: (typeof billing)[][]): PlanContent => ({
    ...approved,
    waves: groups.map((dependencies, index) => ({ name: String(index), dependencies })),
  });
  const canaryFirst = inTurn([billing], [reports]);
  const told = ['it moves reports earlier'];
  expect(beyond(known, canaryFirst, inTurn([billing], [reports]))).toEqual([]);
  expect(beyond(known, canaryFirst, inTurn([reports]))).toEqual([]);
  expect(beyond(known, canaryFirst, inTurn([billing, reports]))).toEqual(told);
  expect(beyond(known, canaryFirst, inTurn([reports], [billing]))).toEqual(told);
  expect(beyond(known, approved, canaryFirst)).toEqual([]);
});

const rule: ApprovalRule = { kinds: ['rotate'], needed: 2, by: [], labels: {}, livesMs: 1_000 };
const approval = (person: string, more: Partial<ApprovalFacts> = {}): ApprovalFacts => ({
  approvalId: person,
  by: `token of ${person}`,
  person,
  at: ago(1_000),
  expiresAt: new Date(now.getTime() + 1_000),
  content: approved,
  usedFor: [],
  ...more,
});
const withApprovals = (...approvals: ApprovalFacts[]): Facts =>
  facts({
    run: { ...run, approvals },
    policy: { ...facts().policy, approvals: [rule] },
    dependencies: known.dependencies,
  });

test.each<[string, ApprovalFacts[], string[]]>([
  ['two persons', [approval('ada'), approval('grace')], ['ada', 'grace']],
  ['one person by two tokens', [approval('ada'), approval('ada', { by: 'other' })], ['ada']],
  ['who asked for it', [approval('requester'), approval('ada')], ['ada']],
  ['an old one', [approval('ada', { expiresAt: ago(1) })], []],
  ['of another plan', [approval('ada', { content: { ...approved, ends: [] } })], []],
])('who holds: %s', (_, approvals, persons) => {
  const holding = holdingApprovals(withApprovals(...approvals), rule, approved);
  expect(holding.map(({ person }) => person)).toEqual(persons);
});

test('what was accepted, or allowed outside of windows, is part of the content', () => {
  const plan = { direction: 'forward', ends: [], steps: [], waves: [] } as const;
  const decided = (kind: 'ignore-window' | 'accept-unseen-use'): PlanContent =>
    contentOf(
      facts({
        run: {
          ...run,
          decisions: [{ ...decision, kind }],
        },
      }),
      plan,
    );
  expect(contentOf(facts(), plan)).not.toHaveProperty('mayBreak');
  expect(decided('accept-unseen-use').mayBreak).toEqual(['unseen use']);
  expect(decided('ignore-window').mayBreak).toEqual([
    'somebody outside of the maintenance windows',
  ]);
});

test('who joined the run has asked for it too, also where the approval came first', () => {
  const given = withApprovals(approval('ada'), approval('grace'));
  const joined = { ...given, run: { ...given.run, joinedPersons: ['ada'] } };
  const holding = holdingApprovals(joined, rule, approved);
  expect(holding.map(({ person }) => person)).toEqual(['grace']);
});

test('only who is named holds', () => {
  const holding = holdingApprovals(
    withApprovals(approval('ada'), approval('grace')),
    { ...rule, by: ['grace'] },
    approved,
  );
  expect(holding.map(({ person }) => person)).toEqual(['grace']);
});

test('the first rule that fits the kind and the labels counts', () => {
  const risky = { ...rule, labels: { risk: 'high' } };
  const others = { ...rule, needed: 1 };
  const of = (labels: Labels, approvals: ApprovalRule[]): number | undefined =>
    approvalRule(
      facts({
        secret: { ...facts().secret, labels },
        policy: { ...facts().policy, approvals },
      }),
    )?.needed;
  expect(of({ risk: 'high' }, [risky, others])).toBe(2);
  expect(of({ risk: 'low' }, [risky, others])).toBe(1);
  expect(of({}, [risky])).toBeUndefined();
  expect(of({}, [{ ...others, kinds: ['revoke'] }])).toBeUndefined();
});

const hash = run.plan?.hash ?? '';
test.each<[string, ApprovalFacts[], number]>([
  [
    'by as many as are asked for, though they are over since',
    [
      approval('ada', { usedFor: [hash], expiresAt: ago(1) }),
      approval('grace', { usedFor: [hash] }),
    ],
    0,
  ],
  ['by too few', [approval('ada', { usedFor: [hash] })], 1],
  ['of another plan', ['ada', 'grace'].map((one) => approval(one, { usedFor: ['other'] })), 1],
  ['by nobody', [], 1],
])('the gate asks whether the plan was approved: %s', (_, approvals, blockers) => {
  expect(approvalMissing(withApprovals(...approvals))).toHaveLength(blockers);
});
