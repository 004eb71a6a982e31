/** The command that tells what happened: of a run, of a secret, of a period. */
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import { secretPath, type Act, type Context } from './context.js';
import { csvLine, refuseBoth } from './csv.js';
import { queryOf } from './pages.js';
import type { Row } from './row.js';
import { example } from './example.js';

interface Options {
  readonly secret?: string;
  readonly from?: string;
  readonly to?: string;
  readonly organization?: string;
  readonly csv?: boolean;
}

interface Asked {
  readonly path: string;
  /** What of the report is a table for a spreadsheet. */
  readonly rows: string;
  readonly columns: readonly string[];
}

type Told = Row & { readonly markdown: string };

export function addReport(program: Command, act: Act): void {
  example(
    program.command('report [run]'),
    'rotor report RUN',
    'rotor report --secret acme/billing-api',
    'rotor report --from 2026-01-01 --organization acme --csv',
  )
    .description('what a run did; or --secret, its whole life; or --from, a period')
    .option('--secret <secret>', 'the life of a secret, also of a retired one')
    .option('--from <day>', 'what was asked for from this day on (UTC)')
    .option('--to <day>', 'up to this day, which is not included; until now where it is not said')
    .option('--organization <name>', 'with --from: of this organization only')
    .option('--csv', 'a table for a spreadsheet, and not Markdown')
    .action(
      act((context, run: string | undefined, options: Options) =>
        report(context, askedFor(run, options), options),
      ),
    );
}

async function report({ api, output }: Context, asked: Asked, options: Options): Promise<void> {
  if (options.csv === true) refuseBoth(output);
  const told = await api.get<Told>(asked.path);
  if (options.csv !== true) {
    output.show(told, ({ markdown }) => markdown);
    return;
  }
  output.print(csvLine(asked.columns));
  for (const row of (told[asked.rows] ?? []) as readonly Row[])
    output.print(csvLine(asked.columns.map((column) => row[column])));
}

function askedFor(run: string | undefined, options: Options): Asked {
  const { secret, from, to, organization } = options;
  const ways = [run, secret, from].filter((said) => said !== undefined);
  if (ways.length !== 1) {
    throw new RotorError('usage-invalid', 'a report is of one run, one secret or one period', {
      kind: 'invalid',
      hint: 'rotor report RUN, --secret ORGANIZATION/NAME, or --from DAY',
    });
  }
  if (run !== undefined) {
    const path = `/v1/runs/${encodeURIComponent(run)}/report`;
    return {
      path,
      rows: 'evidence',
      columns: ['dependent', 'destination', 'version', 'evidence', 'moved'],
    };
  }
  if (secret !== undefined) {
    const path = `${secretPath(secret)}/report`;
    return { path, rows: 'timeline', columns: ['at', 'what', 'about', 'run', 'by', 'detail'] };
  }
  return {
    path: `/v1/report${queryOf({ from, to, organization })}`,
    rows: 'runs',
    columns: [
      'run',
      'secret',
      'kind',
      'outcome',
      'by',
      'reason',
      'requested',
      'ended',
      'ms',
      'waited',
    ],
  };
}
