import { describe, expect, test } from '@jest/globals';
import { closedByPlan, removals } from '../../domain/asking.js';
import type { Change } from '../../domain/change.js';
import type { Assignment } from '../../domain/connector.js';
import type { Facts, LeaseFacts } from '../../domain/facts.js';
import { evidenceNeeded, hasMoved } from '../../domain/progress.js';
import { whyNotShown } from '../../domain/showing.js';
import { askPerson } from '../../domain/steps/ask.js';
import { beginDelivery } from '../../domain/steps/update.js';
import type { TaskFacts } from '../../domain/task.js';
import { warningsOf } from '../../domain/warnings.js';
import { ago, dependency, facts, moved as delivered, now, run, use, version } from './facts.js';

const minute = 60_000;
const assignment: Assignment = {
  assignee: 'Ada',
  instructions: 'type it in',
  dueWithinMs: 60 * minute,
  remindEveryMs: minute,
  holdsSeveral: false,
};
const partner = dependency('partner', { assignment, leastEvidence: 'human' });
const next = version(2, { confirmedAt: undefined, runId: 'run' });

function task(more: Partial<TaskFacts> = {}): TaskFacts {
  return {
    taskId: 't1',
    kind: 'enter',
    dependencyId: 'partner',
    versionId: 'v2',
    runId: 'run',
    state: 'open',
    openedAt: ago(10 * minute),
    dueAt: new Date(now.getTime() + 50 * minute),
    fetchedAt: undefined,
    settledAt: undefined,
    settledBy: undefined,
    note: undefined,
    heard: true,
    link: undefined,
    ...more,
  };
}

const settledTask = (state: 'confirmed' | 'declined', more: Partial<TaskFacts> = {}): TaskFacts =>
  task({ state, settledAt: ago(minute), settledBy: 'ops', note: 'because', ...more });

function asking(tasks: readonly TaskFacts[], more: Partial<Facts> = {}): Facts {
  return facts({
    versions: [version(1, { current: true }), next],
    dependencies: [partner],
    deliveries: [],
    uses: [],
    tasks,
    ...more,
  });
}

function asked(given: Facts) {
  const { result, changes } = askPerson(given, given.dependencies[0] ?? partner, next);
  const kind = 'code' in result ? result.code : result.kind;
  return { kind, told: result.told, changes: changes.map(({ change }) => change) };
}

const retry = (at: Date, dependencyId?: string): Facts['run'] => ({
  ...run,
  decisions: [
    { decisionId: 'd', kind: 'retry', dependencyId, by: 'ops', reason: '', at, read: true },
  ],
});

const lease = (versionId: string): LeaseFacts => ({
  destinationId: 'at partner',
  generation: 3,
  versionId,
  runId: 'before',
  deadline: ago(minute),
  released: true,
  contested: [],
});

describe('a person is asked', () => {
  const opens = ['task-opened', 'run-waits'];
  test.each<[string, Facts, string, string[]]>([
    ['once', asking([]), 'wait', opens],
    ['and then waited for', asking([task()]), 'wait', ['run-waits']],
    ['until it is due', asking([task({ dueAt: ago(1) })]), 'task-overdue', ['run-waits']],
    ['anew where it was closed', asking([task({ state: 'closed' })]), 'wait', opens],
    [
      'not again where they declined',
      asking([settledTask('declined')]),
      'task-declined',
      ['run-waits'],
    ],
    ['again on retry', asking([settledTask('declined')], { run: retry(now) }), 'wait', opens],
    [
      'not on a retry of somebody else, nor on an earlier one',
      asking([settledTask('declined')], { run: retry(now, 'other') }),
      'task-declined',
      ['run-waits'],
    ],
    [
      'not on a retry from before',
      asking([settledTask('declined')], { run: retry(ago(2 * minute)) }),
      'task-declined',
      ['run-waits'],
    ],
    [
      'for this version: what was said of an earlier one counts not',
      asking([settledTask('confirmed', { versionId: 'v1' })]),
      'wait',
      opens,
    ],
    [
      'anew by another run, where another version was handed over since',
      asking([settledTask('confirmed', { runId: 'before' })], { leases: [lease('v1')] }),
      'wait',
      opens,
    ],
  ])('%s', (...[, given, kind, changes]) => {
    expect(asked(given)).toMatchObject({ kind, changes });
  });

  test('outside of a maintenance window only who was asked already is waited for', () => {
    const closed = { told: 'closed', until: new Date(now.getTime() + minute) };
    const answer = (tasks: readonly TaskFacts[]): unknown =>
      beginDelivery(asking(tasks, { closed }), 'partner').result;
    expect(answer([])).toMatchObject({ answer: { told: expect.stringMatching(/^closed/) } });
    expect(answer([task()])).toMatchObject({ answer: { told: expect.stringContaining('Ada') } });
  });
});

describe('what they say', () => {
  test('is believed where the least evidence is their word', () => {
    const { kind, changes } = asked(asking([settledTask('confirmed')]));
    expect(kind).toBe('done');
    expect(changes).toEqual([
      ...['lease-taken', 'lease-released', 'delivery'],
      ...['delivery', 'version-confirmed'],
    ]);
  });

  test('also what was said to another run, where nothing was handed over since', () => {
    const said = [settledTask('confirmed', { runId: 'before' })];
    expect(asked(asking(said, { leases: [lease('v2')] })).kind).toBe('done');
  });

  test('does not move a dependent that has to be observed; after a while that blocks', () => {
    const observed = { ...partner, leastEvidence: 'observed' } as const;
    const given = (settledAt: Date) =>
      asking([settledTask('confirmed', { settledAt })], { dependencies: [observed] });
    expect(asked(given(ago(minute))).kind).toBe('wait');
    const late = asked(given(ago(365 * 86_400_000)));
    expect(late.kind).toBe('dependent-not-proven');
    expect(late.changes).not.toContain('version-confirmed');
  });

  test.each<[string, Date, string]>([
    ['use since they were asked says it for them', ago(minute), 'done'],
    ['use from before says nothing', ago(20 * minute), 'wait'],
  ])('%s', (_, at, kind) => {
    const given = asking([task()], { uses: [use('v2', 'partner/1', at)] });
    expect(asked(given)).toMatchObject({ kind });
  });

  test.each([
    ['human', 'forward', 'human'],
    ['observed', 'forward', 'observed'],
    ['observed', 'back', 'human'],
    ['read-back', 'forward', 'human'],
  ] as const)('least %s, going %s: %s', (leastEvidence, direction, needed) => {
    const plan = { ...run.plan, direction } as Facts['run']['plan'];
    const given = facts({ run: { ...run, plan } });
    expect(evidenceNeeded(given, { ...partner, leastEvidence })).toBe(needed);
  });
});

describe('a word that is doubted', () => {
  const moved = { ...delivered('partner', 'v2'), evidence: 'human' } as const;
  const given = (tasks: readonly TaskFacts[], more: Partial<Facts> = {}): Facts =>
    asking(tasks, { deliveries: [moved], leases: [lease('v2')], ...more });
  test.each<[string, Facts, boolean]>([
    ['counts until then', given([settledTask('confirmed')]), true],
    [
      'counts no more once they are asked anew',
      given([settledTask('confirmed')], { run: retry(now) }),
      false,
    ],
    ['nor while they are asked', given([settledTask('confirmed'), task({ taskId: 't2' })]), false],
    [
      'counts once they have answered',
      given([settledTask('confirmed')], { run: retry(ago(2 * minute)) }),
      true,
    ],
    [
      'does not matter to whoever was seen',
      given([settledTask('confirmed')], {
        run: retry(now),
        deliveries: [delivered('partner', 'v2')],
      }),
      true,
    ],
  ])('%s', (_, facts, expected) => {
    expect(hasMoved(facts, partner, 'v2')).toBe(expected);
  });
});

test('a plan closes open tasks of its run that it no longer needs, and no others', () => {
  const tasks = [
    task(),
    task({ taskId: 'other version', versionId: 'v1' }),
    task({ taskId: 'skipped', dependencyId: 'skipped' }),
    task({ taskId: 'settled', state: 'confirmed' }),
    task({ taskId: 'unheard', state: 'confirmed', versionId: 'v1', heard: false }),
    task({ taskId: 'other run', runId: 'before', versionId: 'v1' }),
  ];
  const closed = closedByPlan(asking(tasks), { towards: 'v2', moving: new Set(['partner']) });
  expect(closed).toMatchObject([
    { change: 'task-closed', taskId: 'other version' },
    { change: 'task-closed', taskId: 'skipped' },
    { change: 'task-heard', taskId: 'unheard' },
  ]);
});

test('a plan says beforehand who types it in, and how long they may take', () => {
  expect(warningsOf(asking([]))).toContainEqual({
    code: 'by-hand',
    message: 'typed in by hand: Ada for partner, within 1h',
  });
});

describe('a link', () => {
  const link = { linkId: 'l1', expiresAt: new Date(now.getTime() + minute), openedAt: undefined };
  const fresh = task({ link });
  test.each<[string, TaskFacts, Partial<Facts>, string | undefined]>([
    ['shows the value', fresh, {}, undefined],
    ['is replaced by a newer one', task({ link: { ...link, linkId: 'l2' } }), {}, 'replaced'],
    ['opens once', task({ link: { ...link, openedAt: ago(1) } }), {}, 'opened-before'],
    ['expires', task({ link: { ...link, expiresAt: now } }), {}, 'expired'],
    ['dies with its task', task({ link, state: 'closed' }), {}, 'task-settled'],
    ['shows nothing to remove', task({ link, kind: 'remove' }), {}, 'task-settled'],
    [
      'dies with its version',
      fresh,
      { versions: [version(2, { state: 'revoked' })] },
      'version-over',
    ],
    [
      'shows nothing of a version before it is made',
      fresh,
      { versions: [version(2, { state: 'pending' })] },
      'version-over',
    ],
    ['shows nothing where nobody depends any more', fresh, { dependencies: [] }, 'not-theirs'],
    [
      'shows nothing to who is withheld from',
      fresh,
      { dependencies: [{ ...partner, withheld: { by: 'a', reason: 'b', since: now } }] },
      'not-theirs',
    ],
  ])('%s', (...[, given, more, why]) => {
    expect(whyNotShown(asking([given], more), given, 'l1')).toBe(why);
  });
});

describe('a dead value is theirs to remove', () => {
  const dead = version(1, { state: 'revoked', origin: 'adopted' });
  const opened = (given: Facts): Change[] => removals(given, ['v1']);
  const moved = { ...delivered('partner', 'v2'), evidence: 'human' } as const;
  const replaced = {
    versions: [dead, { ...next, current: true }],
    deliveries: [moved],
    leases: [lease('v2')],
  };
  test.each<[string, Facts, number]>([
    ['where nothing replaced it', asking([], { versions: [dead] }), 1],
    ['not where the next one was typed over it', asking([], replaced), 0],
    [
      'also then, where the place keeps both',
      asking([], {
        ...replaced,
        dependencies: [{ ...partner, assignment: { ...assignment, holdsSeveral: true } }],
      }),
      1,
    ],
    ['not twice', asking([task({ kind: 'remove', versionId: 'v1' })], { versions: [dead] }), 0],
    [
      'not where nobody was ever shown it',
      asking([], { versions: [{ ...dead, origin: 'minted' }] }),
      0,
    ],
    [
      'where it was shown',
      asking([task({ versionId: 'v1', state: 'closed', fetchedAt: ago(minute) })], {
        versions: [{ ...dead, origin: 'minted' }],
      }),
      1,
    ],
    [
      'not where rotor writes itself',
      asking([], { versions: [dead], dependencies: [dependency('billing')] }),
      0,
    ],
  ])('%s', (_, given, count) => {
    expect(opened(given)).toHaveLength(count);
  });
});
