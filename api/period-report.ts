/** The report of a period: how many runs, how long they took, what they waited for, who asked and accepted. */
import { formatDuration } from '../domain/duration.js';
import type { Period, PeriodRows } from '../infra/registry/period.js';
import type { Row } from '../infra/registry/views.js';
import { section } from './markdown.js';

export interface PeriodReport extends PeriodRows {
  readonly markdown: string;
  readonly kinds: readonly Row[];
  readonly askers: readonly Row[];
}

export function periodReportOf(period: Period, rows: PeriodRows): PeriodReport {
  const kinds = kindsOf(rows.runs);
  const askers = countBy(rows.runs, ({ by }) => String(by)).map(([who, runs]) => ({ who, runs }));
  return { ...rows, kinds, askers, markdown: markdownOf(period, rows, { kinds, askers }) };
}

/** Per kind and outcome; how long only where they are over. */
function kindsOf(runs: readonly Row[]): Row[] {
  return countBy(runs, ({ kind, outcome }) => `${String(kind)} ${String(outcome)}`).map(
    ([both, count]) => {
      const [kind, outcome] = both.split(' ');
      const took = runs
        .filter((run) => run['kind'] === kind && run['outcome'] === outcome)
        .flatMap(({ ms }) => (typeof ms === 'number' ? [ms] : []))
        .sort((one, other) => one - other);
      return {
        kind,
        outcome,
        runs: count,
        medianMs: quantile(took, 0.5),
        p95Ms: quantile(took, 0.95),
      };
    },
  );
}

function countBy(rows: readonly Row[], key: (row: Row) => string): [string, number][] {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
  return [...counts].sort(([a, one], [b, other]) => other - one || a.localeCompare(b));
}

/** Nearest rank: a time that one of them really took. */
function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function markdownOf(
  { from, to, organization }: Period,
  { runs, waits, grants, accepted }: PeriodRows,
  { kinds, askers }: Pick<PeriodReport, 'kinds' | 'askers'>,
): string {
  const day = (at: Date): string => at.toISOString().replace('T00:00:00.000Z', '');
  const secrets = new Set(runs.map(({ secret }) => secret)).size;
  return [
    `# Runs from ${day(from)} to ${day(to)}`,
    '',
    `- organization: ${organization ?? 'all'}`,
    `- runs: ${runs.length}, of ${secrets} secrets`,
    '',
    ...section('Runs', ['kind', 'outcome', 'runs', 'median', 'p95'], kinds.map(inWords)),
    ...section('Waited for', ['code', 'runs', 'times', 'together', 'longest'], waits.map(inWords)),
    ...section('Asked for by', ['who', 'runs'], askers),
    ...section('Accepted by', ['what', 'who', 'times'], accepted),
    ...section('Grants', ['basis', 'grants', 'called'], grants),
  ].join('\n');
}

function inWords(row: Row): Row {
  const words = (ms: unknown): string => (typeof ms === 'number' ? formatDuration(ms) : '');
  return {
    ...row,
    median: words(row['medianMs']),
    p95: words(row['p95Ms']),
    together: words(row['ms']),
    longest: words(row['longestMs']),
  };
}
