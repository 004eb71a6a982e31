import { describe, expect, test } from '@jest/globals';
import { periodReportOf } from '../../api/period-report.js';
import { reportOf } from '../../api/report.js';
import { secretReportOf } from '../../api/secret-report.js';
import { csvLine } from '../../client/cli/csv.js';

const at = (day: number): Date => new Date(Date.UTC(2026, 0, day));
const period = { from: at(1), to: at(31), organization: undefined };

describe('the report of a period', () => {
  const run = (ms: number | null, more = {}) => ({
    secret: 'acme/api',
    kind: 'rotate',
    outcome: ms === null ? 'open' : 'succeeded',
    by: 'ada',
    ms,
    ...more,
  });
  test('counts by kind and outcome, with times that runs really took', () => {
    const took = Array.from({ length: 20 }, (_, index) => run((index + 1) * 1_000));
    const rows = [...took, run(null), run(5_000, { kind: 'compromise', by: 'bob' })];
    const { kinds, askers, markdown } = periodReportOf(period, {
      runs: rows,
      waits: [{ code: 'paused', runs: 1, times: 2, ms: 90_000, longestMs: 60_000 }],
      grants: [],
      accepted: [],
    });
    expect(kinds).toEqual([
      { kind: 'rotate', outcome: 'succeeded', runs: 20, medianMs: 10_000, p95Ms: 19_000 },
      { kind: 'compromise', outcome: 'succeeded', runs: 1, medianMs: 5_000, p95Ms: 5_000 },
      { kind: 'rotate', outcome: 'open', runs: 1, medianMs: undefined, p95Ms: undefined },
    ]);
    expect(askers).toEqual([
      { who: 'ada', runs: 21 },
      { who: 'bob', runs: 1 },
    ]);
    expect(markdown).toContain('# Runs from 2026-01-01 to 2026-01-31');
    expect(markdown).toContain('| paused | 1 | 2 | 1m 30s | 1m |');
  });

  test('of nothing is nothing', () => {
    const none = { runs: [], waits: [], grants: [], accepted: [] };
    expect(periodReportOf(period, none).markdown).toMatch(/runs: 0, of 0 secrets\n$/);
  });
});

test('the report of a compromise says who was named as leaked', () => {
  const none = {
    versions: [],
    dependencies: [],
    use: [],
    decisions: [],
    grants: [],
    approvals: [],
  };
  const view = { ...none, plans: [], events: [], findings: [], tasks: [] };
  const reported = (options: object): string =>
    reportOf({ ...view, run: { kind: 'compromise', options, supersededBy: null } }).markdown;
  expect(reported({ excluded: ['shop'] })).toContain(
    '\n- named as leaked, and given nothing new: shop\n',
  );
  expect(reported({})).not.toContain('named as leaked');
});

test('the life of a secret is one line in time, whatever it is made of', () => {
  const life = {
    secret: { secret: 'acme/api', declared: at(1), retired: at(9), namesakes: 1 },
    runs: [{ run: 'r', kind: 'rotate', outcome: 'succeeded', requested: at(2), ended: at(5) }],
    grants: [
      {
        version: 'v1',
        basis: 'contained',
        granted: at(4),
        because: { requestedBy: 'ada', reason: 'leak' },
      },
    ],
    decisions: [{ run: 'r', kind: 'retry', dependent: 'd', accepted: null, by: 'bob', at: at(3) }],
    approvals: [],
    reviews: [{ run: 'r', at: at(8), person: 'grace', reason: 'looked at it' }],
    dependents: [{ dependent: 'd', destination: 'here', declared: at(1), retired: null }],
    findings: [{ code: 'unused', message: 'nobody', first: at(6), closed: at(7) }],
  };
  const { timeline, markdown } = secretReportOf(life, [
    { version: 'v1', activated: at(1), revoked: at(4), cause: null },
  ]);
  expect(timeline.map(({ what }) => what)).toEqual([
    'declared',
    'version active',
    'dependent declared',
    'rotate requested',
    'decided: retry',
    'version revoked',
    'granted: contained',
    'rotate ended',
    'found: unused',
    'closed: unused',
    'reviewed',
    'retired',
  ]);
  expect(timeline[6]).toMatchObject({ about: 'v1', by: 'ada', detail: 'leak' });
  expect(timeline[10]).toMatchObject({ by: 'grace', detail: 'looked at it' });
  expect(markdown).toMatch(/## Reviewed[^]*grace \| looked at it/);
  expect(markdown).toContain('other secrets that had this name: 1');
});

test.each<[string, unknown[], string]>([
  [
    'commas, quotes and line breaks are quoted',
    ['a,b', 'say "x"', 'a\nb'],
    '"a,b","say ""x""","a\nb"',
  ],
  ['what a spreadsheet would run is text', ['=1+1', '@x', '-1', -1], "'=1+1,'@x,'-1,-1"],
  ['nothing is empty, objects are JSON', [null, undefined, { a: 1 }], ',,"{""a"":1}"'],
])('CSV: %s', (_name, cells, line) => expect(csvLine(cells)).toBe(line));
