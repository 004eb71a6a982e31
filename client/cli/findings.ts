/** The commands about findings: the list, and saying that one is known for a while. */
import colors from 'picocolors';
import type { Command } from 'commander';
import { findingKinds, severities, type FindingCode } from '../../domain/finding.js';
import { shortId } from '../../domain/told-id.js';
import type { Act, Context } from './context.js';
import { when } from './output.js';
import { allPages, queryOf } from './pages.js';
import type { Row } from './row.js';
import { link } from './views.js';
import { example } from './example.js';

interface ListOptions {
  readonly all?: boolean;
  readonly severity?: string;
  readonly organization?: string;
  readonly code?: string;
}

export function addFindings(program: Command, act: Act): void {
  const findings = program.command('findings').description('what a person should look at');
  example(
    findings.command('list', { isDefault: true }),
    'rotor findings',
    'rotor findings list --severity critical --organization acme',
  )
    .description('the worst first; each closes by itself once it is mended')
    .option('--all', 'also muted and closed ones')
    .option('--severity <severity>', severities.join(', '))
    .option('--organization <name>', 'of this organization only')
    .option('--code <code>', 'of this code only')
    .action(act((context, options: ListOptions) => list(context, options)));
  addMuting(findings, act);
}

async function list({ api, output }: Context, options: ListOptions): Promise<void> {
  const path = `/v1/findings${queryOf({ ...options })}`;
  const rows: Row[] = [];
  for await (const page of allPages(api, path, (row) => String(row['finding']))) rows.push(...page);
  output.show(rows, findingsList);
}

function addMuting(findings: Command, act: Act): void {
  example(
    findings.command('mute <finding>'),
    'rotor findings mute FINDING --until DAY --reason "moves in May"',
  )
    .description('not shown until then, unless it gets worse')
    .requiredOption('--until <day>', 'such as 2026-12-31, a year from now at most')
    .requiredOption('--reason <text>', 'why')
    .action(
      act(async ({ api, output }, finding: string, options: { until: string; reason: string }) => {
        const { until, reason } = options;
        const path = `/v1/findings/${encodeURIComponent(finding)}/mute`;
        output.show(
          await api.post<Row>(path, { until, reason }),
          (row) => `${String(row['code'])} is muted until ${String(row['until'])}`,
        );
      }),
    );
  example(findings.command('unmute <finding>'), 'rotor findings unmute FINDING')
    .description('shown again')
    .action(
      act(async ({ api, output }, finding: string) => {
        const path = `/v1/findings/${encodeURIComponent(finding)}/mute`;
        output.show(await api.remove<Row>(path), (row) => `${String(row['code'])} is shown again`);
      }),
    );
}

const paint = { critical: colors.red, warning: colors.yellow, info: colors.cyan } as const;

/** Per finding: how bad, what, since when, and what to do. */
function findingsList(rows: readonly Row[]): string {
  if (rows.length === 0) return colors.dim('nothing');
  const counts = severities
    .map((severity) => [severity, rows.filter((row) => row['severity'] === severity).length])
    .filter(([, count]) => count !== 0)
    .map(([severity, count]) => `${String(count)} ${String(severity)}`);
  return [...rows.map(findingText), colors.dim(counts.reverse().join(', '))].join('\n');
}

function findingText(row: Row): string {
  const code = row['code'] as FindingCode;
  const severity = String(row['severity']) as keyof typeof paint;
  const where = String(row['secret'] ?? 'installation');
  const id = shortId(row['finding']);
  const seen = `since ${when(row['first'])}, last ${when(row['last'])}, ${String(row['count'])}×`;
  const owner = typeof row['owner'] === 'string' ? `, owner ${row['owner']}` : '';
  return [
    `${paint[severity](severity)} ${colors.bold(where)} ${String(row['message'])}`,
    `  ${colors.dim(`${id}  ${seen}${owner}${stateOf(row)}`)}`,
    `  ${colors.dim('→')} ${todoOf(code, row['about'])} ${link(code)}`,
  ].join('\n');
}

/** With the task or run that it is about, so that it can be pasted. */
export function todoOf(code: FindingCode, about: unknown): string {
  const { todo } = findingKinds[code];
  const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(String(about));
  return isId ? todo.replaceAll(/\b(RUN|TASK)\b/g, shortId(about)) : todo;
}

function stateOf(row: Row): string {
  if (row['closed'] !== null) return `, closed ${when(row['closed'])}`;
  const muted = row['muted'] as Row | null;
  return muted === null
    ? ''
    : `, muted until ${String(muted['until']).slice(0, 10)} by ${String(muted['by'])}: ${String(muted['reason'])}`;
}
