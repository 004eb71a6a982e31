/** The commands about secrets and their runs. */
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import { addApproval, addReview } from './approval.js';
import { secretPath, valueFromStdin, valueToLookFor, type Act, type Context } from './context.js';
import { addDecisions } from './decisions.js';
import { addReport } from './report.js';
import { addRequests } from './requests.js';
import { labelsOf } from './labels.js';
import type { Row } from './row.js';
import {
  retiredText,
  runsText,
  secretsText,
  secretText,
  usersText,
  type SecretView,
} from './views.js';
import { watchRun } from './watch.js';
import { example } from './example.js';

export function addRunCommands(program: Command, act: Act): void {
  addReading(program, act);
  addRequests(program, act);
  addAdopt(program, act);
  addDecisions(program, act);
  addApproval(program, act);
  addReview(program, act);
  addIdentify(program, act);
}

function addReading(program: Command, act: Act): void {
  addSecretReading(program, act);
  addReport(program, act);
  example(program.command('watch <run>'), 'rotor watch RUN', 'rotor watch RUN --until-blocked')
    .description('follows a run until it ends')
    .option('--until-blocked', 'stop with exit code 7 when only a person can help')
    .action(
      act((context, run: string, options: { untilBlocked?: boolean }) =>
        watchRun(context, run, options),
      ),
    );
}

function addSecretReading(program: Command, act: Act): void {
  example(
    program.command('list'),
    'rotor list',
    'rotor list --label project=trial',
    'rotor list --runs',
    'rotor list --runs --state blocked --secret acme/billing-api',
  )
    .description('secrets, or runs with --runs')
    .option('--runs', 'all open runs, and the newest that have ended')
    .option('--state <state>', 'only runs that are open, blocked (of them) or ended')
    .option('--secret <secret>', 'only runs of this secret')
    .option('--retired', 'secrets that were decommissioned')
    .option('--label <name=value...>', 'only secrets that carry it; several: all of them')
    .action(act(list));
  example(program.command('show <secret>'), 'rotor show acme/billing-api')
    .description('versions, dependents and findings of a secret')
    .action(
      act(async ({ api, output }, secret: string) => {
        output.show(await api.get<SecretView>(secretPath(secret)), secretText);
      }),
    );
  example(program.command('who-uses <secret>'), 'rotor who-uses acme/billing-api')
    .description('who is declared to use it, and who was seen')
    .action(
      act(async ({ api, output }, secret: string) => {
        output.show(await api.get<SecretView>(secretPath(secret)), usersText);
      }),
    );
}

interface ListOptions {
  readonly runs?: boolean;
  readonly state?: string;
  readonly secret?: string;
  readonly retired?: boolean;
  readonly label?: readonly string[];
}

async function list({ api, output }: Context, options: ListOptions): Promise<void> {
  const { runs, retired, label, state, secret } = options;
  refuseMixed(options);
  if (runs === true) {
    const query = asked({ state, secret });
    return output.show(await api.get<Row[]>(`/v1/runs${query}`), runsText);
  }
  const labels = Object.entries(labelsOf(label)).map((one) => one.join('='));
  const query = asked({ retired: retired === true ? 'true' : undefined, label: labels });
  const rows = await api.get<Row[]>(`/v1/secrets${query}`);
  output.show(rows, retired === true ? retiredText : secretsText);
}

/** With its question mark, where something is asked. */
function asked(question: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, said] of Object.entries(question))
    for (const one of [said ?? []].flat()) query.append(name, one);
  return query.size === 0 ? '' : `?${query}`;
}

function refuseMixed({ runs, retired, label, state, secret }: ListOptions): void {
  if (runs !== true) {
    if (state === undefined && secret === undefined) return;
    throw new RotorError('usage-invalid', '--state and --secret are about runs', {
      kind: 'invalid',
      hint: 'rotor list --runs',
    });
  }
  if (retired === undefined && label === undefined) return;
  throw new RotorError('usage-invalid', 'runs are not listed by labels, nor retired', {
    kind: 'invalid',
    hint: '--label and --retired are about secrets: leave --runs out',
  });
}

function addAdopt(program: Command, act: Act): void {
  example(
    program.command('adopt <secret>'),
    'rotor adopt acme/billing-api --value-stdin < value.txt',
  )
    .description('take over a credential that is older than rotor')
    .option('--credential <id>', 'which one, where the issuer lists several')
    .option('--value-stdin', 'its value comes on standard input')
    .option('--kept <id>', 'its value is one that a write displaced: the id that a finding names')
    .action(
      act(
        async (
          { api, output },
          secret: string,
          options: { credential?: string; valueStdin?: boolean; kept?: string },
        ) => {
          const value = options.valueStdin === true ? await valueFromStdin() : undefined;
          const body = { credentialId: options.credential, value, kept: options.kept };
          const adopted = await api.post<Row>(`${secretPath(secret)}/adopt`, body);
          output.show(
            adopted,
            (row) =>
              `v${String(row['ordinal'])} is ${String(row['credentialId'])}, value ${String(row['value'])}`,
          );
        },
      ),
    );
}

function identifiedText({ secret, version, state, current }: Row): string {
  const use = current === true ? ', in use' : '';
  return `${String(secret)} ${String(version)}: ${String(state)}${use}`;
}

function addIdentify(program: Command, act: Act): void {
  example(program.command('identify'), 'rotor identify < value.txt')
    .description('which secret a leaked value is, on standard input; also one revoked long ago')
    .action(
      act(async ({ api, output }) => {
        const found = await api.post<Row[]>('/v1/identify', { value: await valueToLookFor() });
        output.show(found, (rows) => rows.map(identifiedText).join('\n'));
      }),
    );
}
