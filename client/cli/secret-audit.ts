/** The regular audit of active secrets, as one table or as CSV, page by page. */
import type { Command } from 'commander';
import type { Act, Context } from './context.js';
import { csvLine, refuseBoth } from './csv.js';
import { table, when } from './output.js';
import { allPages, queryOf } from './pages.js';
import type { Row } from './row.js';
import { example } from './example.js';

const columns = [
  'organization',
  'secret',
  'owner',
  'issuer',
  'version',
  'since',
  'expires',
  'lastRotation',
  'lastUse',
  'sources',
  'moved',
  'dependents',
  'record',
  'recordUntil',
  'critical',
  'warning',
  'info',
] as const;

interface Options {
  readonly csv?: boolean;
  readonly organization?: string;
}

export function addSecretAudit(audit: Command, act: Act): void {
  example(
    audit.command('secrets'),
    'rotor audit secrets',
    'rotor audit secrets --csv --organization acme',
  )
    .description('every active secret: age, expiry, use, dependents, open findings')
    .option('--csv', 'all columns, for a spreadsheet')
    .option('--organization <name>', 'of this organization only')
    .action(act((context, options: Options) => show(context, options)));
}

async function show({ api, output }: Context, options: Options): Promise<void> {
  if (options.csv === true) refuseBoth(output);
  const path = `/v1/audit/secrets${queryOf({ organization: options.organization })}`;
  const pages = allPages(
    api,
    path,
    (row) => `${String(row['organization'])}/${String(row['secret'])}`,
  );
  if (options.csv === true) return printCsv(output, pages);
  const rows: Row[] = [];
  for await (const page of pages) rows.push(...page);
  output.show(rows, tableOf);
}

/** As it comes; the head only once the first page is there. */
async function printCsv(
  output: Context['output'],
  pages: AsyncIterable<readonly Row[]>,
): Promise<void> {
  let head = [csvLine(columns)];
  for await (const page of pages) {
    const lines = page.map((row) => csvLine(columns.map((column) => row[column])));
    output.print([...head, ...lines].join('\n'));
    head = [];
  }
  if (head.length > 0) output.print(head.join());
}

function tableOf(rows: readonly Row[]): string {
  return table(
    ['secret', 'version', 'age', 'expires', 'rotated', 'used', 'by', 'moved', 'record', 'findings'],
    rows.map((row) => [
      `${String(row['organization'])}/${String(row['secret'])}`,
      row['version'] as string | null,
      when(row['since']).replace(' ago', ''),
      when(row['expires']),
      when(row['lastRotation']).replace(' ago', ''),
      when(row['lastUse']).replace(' ago', ''),
      row['sources'] as number,
      `${String(row['moved'])}/${String(row['dependents'])}`,
      row['record'] as string | null,
      findingsOf(row),
    ]),
  );
}

function findingsOf(row: Row): string {
  return ['critical', 'warning', 'info']
    .filter((severity) => row[severity] !== 0)
    .map((severity) => `${String(row[severity])} ${severity}`)
    .join('\n');
}
