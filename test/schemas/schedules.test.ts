import { describe, expect, test } from '@jest/globals';
import { cronOfWords } from '../../domain/calendar-words.js';
import type { Schedule } from '../../domain/schedule.js';
import { whyNever } from '../../infra/calendar.js';
import { checkDeclarations, readDocuments } from '../../schemas/declarations.js';
import type { Kinds } from '../../schemas/kinds.js';

const kinds: Kinds = {
  traits: () => undefined,
  specification: () => ({ value: { specification: {}, principal: 'client' } }),
  destination: () => ({ value: { identity: 'x', address: {} } }),
  asksPeople: () => false,
  whyNever,
};

interface Declared {
  readonly schedule?: unknown;
  readonly notWith?: unknown;
}

function checked({ schedule, notWith }: Declared) {
  const about = { issuer: 'main', owner: 'team' };
  const document = {
    organization: 'acme',
    policies: [{ name: 'p', schedule }],
    secrets: [
      { name: 'api', ...about, schedule, notWith },
      { name: 'database', ...about },
    ],
  };
  return checkDeclarations(readDocuments([document]), { kinds, known: new Map() });
}

function problems(declared: Declared): string[] {
  const found = checked(declared);
  if (!('problems' in found)) return [];
  return found.problems
    .filter(({ path }) => path.includes('.secrets.'))
    .map(({ path, message }) => `${path.replace('documents.0.secrets.0.', '')}: ${message}`);
}

describe('what is wrong with a schedule is told with its place', () => {
  test.each<[string, unknown, string]>([
    ['no rule', {}, 'schedule: expected one of every, at, cron, beforeExpiry'],
    [
      'two rules',
      { every: '90d', cron: '0 10 * * *' },
      'schedule: every and cron contradict each other: say one of them',
    ],
    ['an interval of no time', { every: '0' }, 'schedule.every: expected a minute at least'],
    [
      'a zone that is none',
      { every: '90d', zone: 'Europe/Berln' },
      'schedule.zone: expected a time zone such as Europe/Berlin (IANA)',
    ],
    [
      'an offset as a zone',
      { every: '90d', zone: '+01:00' },
      'schedule.zone: expected a time zone such as Europe/Berlin (IANA)',
    ],
    [
      'a cron expression that is none',
      { cron: '61 * * * *' },
      'schedule.cron: is no cron expression: Invalid value for minute: 61',
    ],
    [
      'a cron expression with seconds',
      { cron: '0 0 10 * * *' },
      'schedule.cron: expected five fields: minute hour day month weekday',
    ],
    ['a day that never is', { cron: '0 10 30 2 *' }, 'schedule.cron: no day is ever like that'],
    [
      'words that nobody says',
      { at: 'sixth tuesday 10:00' },
      'schedule.at: expected words such as daily 03:00, every monday 09:30, first tuesday 10:00, last friday of the month 16:00, or monthly on 15 08:00',
    ],
    [
      'a window that never opens',
      { every: '90d', windows: [{ from: '08:00', to: '08:00' }] },
      'schedule.windows.0.to: this window never opens: it ends where it begins',
    ],
    [
      'a blackout that ends before it begins',
      { every: '90d', blackouts: [{ from: '2027-01-06', to: '2026-12-20', reason: 'x' }] },
      'schedule.blackouts.0.to: it ends before it begins',
    ],
    [
      'a holiday that is no day',
      { every: '90d', holidays: ['2027-02-29'] },
      'schedule.holidays.0: expected a day such as 2026-12-24',
    ],
  ])('%s', (_, schedule, problem) => {
    expect(problems({ schedule })).toEqual([problem]);
  });

  test('the same is told of a policy', () => {
    const found = checked({ schedule: { cron: '0 10 30 2 *' } });
    expect('problems' in found && found.problems.map(({ path }) => path)).toContain(
      'documents.0.policies.0.schedule.cron',
    );
  });
});

test('rotating longer before expiry than a version lives is a problem, wherever it is said', () => {
  const said = (name: string, more: object) => ({
    ...{ name, issuer: 'main', owner: 'team', specification: { validity: '30d' } },
    ...more,
  });
  const document = {
    organization: 'acme',
    policies: [{ name: 'here', schedule: { beforeExpiry: '30d' } }],
    secrets: [
      said('own', { schedule: { beforeExpiry: '31d' } }),
      said('of-policy', { policy: 'here' }),
      said('of-known', { policy: 'there' }),
      said('sound', { schedule: { beforeExpiry: '29d' }, policy: 'here' }),
    ],
  };
  const rule = { kind: 'before-expiry', beforeMs: 40 * 86_400_000 } as const;
  const there = { schedule: { rule } as Schedule, waves: [], leastEvidence: 'read-back' } as const;
  const policies = new Map([['there', there]]);
  const known = { policies, dependents: new Set(''), origins: new Map(), secrets: new Set('') };
  const found = checkDeclarations(readDocuments([document]), {
    ...{ kinds, known: new Map([['acme', known]]) },
  });
  expect('problems' in found && found.problems.map(({ path }) => path)).toEqual([
    'documents.0.secrets.0.schedule.beforeExpiry',
    'documents.0.secrets.1.policy',
    'documents.0.secrets.2.policy',
  ]);
});

test.each([
  ['names nobody', 'databse', 'notWith.0: there is no secret databse'],
  ['names itself', 'api', 'notWith.0: a secret always rotates with itself'],
])('a pair that %s is a problem', (_, other, problem) => {
  expect(problems({ notWith: [other] })).toEqual([problem]);
});

test('a schedule as people write it becomes one in milliseconds, with what counts where nothing is said', () => {
  const found = checked({
    schedule: { at: 'first tuesday 10:00', zone: 'Europe/Berlin', holidays: ['2026-12-25'] },
    notWith: ['database'],
  });
  const declared = 'value' in found ? found.value.organizations[0] : undefined;
  const schedule = {
    rule: { kind: 'calendar', cron: '0 10 * * 2#1', said: 'first tuesday 10:00' },
    zone: 'Europe/Berlin',
    jitterMs: 0,
    windows: [],
    blackouts: [{ from: '2026-12-25', to: '2026-12-25', reason: 'holiday' }],
    catchUp: 'run',
    lateAfterMs: 3_600_000,
    overdueAfterMs: 604_800_000,
    postponeByMs: 60_000,
    atMostAtOnce: {},
  };
  expect(declared?.secrets[0]).toMatchObject({ schedule, notWith: ['database'] });
  expect(declared?.policies[0]?.schedule).toEqual(schedule);
});

test('a policy without a schedule is stored as it always was', () => {
  const found = checked({});
  const policy = 'value' in found ? found.value.organizations[0]?.policies[0] : undefined;
  expect(JSON.stringify(policy)).not.toContain('schedule');
});

test.each([
  ['daily 03:00', '0 3 * * *'],
  ['Every Monday at 9:30', '30 9 * * 1'],
  ['every weekday 22:00', '0 22 * * 1-5'],
  ['first tuesday 10:00', '0 10 * * 2#1'],
  ['the third thursday of each month 10:00', '0 10 * * 4#3'],
  ['last friday of the month 16:00', '0 16 * * 5#L'],
  ['monthly on the 15th 08:05', '5 8 15 * *'],
  ['last day of the month 23:59', '59 23 L * *'],
  ['monthly on 32 08:00', undefined],
  ['first tuesday 24:00', undefined],
  ['first tuesday', undefined],
  ['whenever 10:00', undefined],
])('"%s" is %s', (words, cron) => {
  expect(cronOfWords(words)).toBe(cron);
  if (cron !== undefined) expect(whyNever(cron)).toBeUndefined();
});
