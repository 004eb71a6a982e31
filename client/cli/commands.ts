/** The commands that ask for runs and look at them. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { confirmRevoke, secretPath, valueFromStdin, type Act, type Context } from './context.js';
import { addDecisions } from './decisions.js';
import { parseSource } from './source.js';
import {
  planText,
  runsText,
  secretsText,
  secretText,
  usersText,
  type PlanView,
  type Row,
  type SecretView,
} from './views.js';
import { watchRun } from './watch.js';

interface RunOptions {
  readonly reason?: string;
  readonly confirm?: string;
  readonly watch?: boolean;
  readonly idempotencyKey?: string;
  readonly dependentsKnown?: boolean;
  readonly acceptUnseenUse?: boolean;
  readonly acceptOutage?: string[];
  readonly acceptSource?: string[];
  readonly replaceFirst?: string;
  readonly everyVersion?: boolean;
}

export function addRunCommands(program: Command, act: Act): void {
  addReading(program, act);
  addRequests(program, act);
  addDecisions(program, act);
}

function addReading(program: Command, act: Act): void {
  addSecretReading(program, act);
  program
    .command('report <run>')
    .description('what a run did, as Markdown (or --json)')
    .action(
      act(async ({ api, output }, run: string) => {
        const report = await api.get<{ markdown: string }>(
          `/v1/runs/${encodeURIComponent(run)}/report`,
        );
        output.show(report, ({ markdown }) => markdown);
      }),
    );
  program
    .command('watch <run>')
    .description('follows a run until it ends')
    .option('--until-blocked', 'stop with exit code 7 when only a person can help')
    .action(
      act((context, run: string, options: { untilBlocked?: boolean }) =>
        watchRun(context, run, options),
      ),
    );
}

function addSecretReading(program: Command, act: Act): void {
  program
    .command('list')
    .description('secrets, or runs with --runs')
    .option('--runs', 'runs, the newest first')
    .action(
      act(async ({ api, output }, options: { runs?: boolean }) => {
        if (options.runs === true) output.show(await api.get<Row[]>('/v1/runs'), runsText);
        else output.show(await api.get<Row[]>('/v1/secrets'), secretsText);
      }),
    );
  program
    .command('show <secret>')
    .description('versions, dependents and findings of a secret')
    .action(
      act(async ({ api, output }, secret: string) => {
        output.show(await api.get<SecretView>(secretPath(secret)), secretText);
      }),
    );
  program
    .command('who-uses <secret>')
    .description('who is declared to use it, and who was seen')
    .action(
      act(async ({ api, output }, secret: string) => {
        output.show(await api.get<SecretView>(secretPath(secret)), usersText);
      }),
    );
}

function addRequests(program: Command, act: Act): void {
  program
    .command('plan <secret>')
    .description('what a rotation would do, who would break, what blocks')
    .option('--compromise', 'what containing a compromise would do')
    .action(
      act(async ({ api, output }, secret: string, options: { compromise?: boolean }) => {
        const kind = options.compromise === true ? 'compromise' : 'rotate';
        output.show(await api.post<PlanView>(`${secretPath(secret)}/plan`, { kind }), planText);
      }),
    );
  withRunOptions(program.command('rotate <secret>'))
    .description('replace a secret, move everybody, revoke the old one when it is proven unused')
    .option('--no-dependents-known', 'rotate although nobody is declared to use it')
    .option(
      '--accept-unseen-use',
      'where the issuer cannot show all use: it may break, and you say so',
    )
    .option('--accept-outage <dependent...>', 'these dependents may break')
    .option(
      '--accept-source <source...>',
      'undeclared sources that may break, as rotor plan prints them, or their user agent',
    )
    .action(
      act(async (context, secret: string, options: RunOptions) => {
        const accepts = options.acceptUnseenUse === true || outageOf(options) !== undefined;
        const what = `Rotating ${secret} with an accepted outage`;
        const confirm = accepts ? await confirmRevoke(options.confirm, what) : undefined;
        return request(context, secret, { kind: 'rotate', confirm, options });
      }),
    );
  addCompromise(program, act);
  addAdopt(program, act);
}

function addCompromise(program: Command, act: Act): void {
  withRunOptions(program.command('compromise <secret>'))
    .description('revoke what leaked now, then replace it everywhere')
    .option(
      '--replace-first <duration>',
      'replace first; revoke after this time whatever is unfinished',
    )
    .option('--every-version', 'also a replacement that is being rolled out')
    .action(
      act(async (context, secret: string, options: RunOptions) => {
        const plan = await context.api.post<PlanView>(`${secretPath(secret)}/plan`, {
          kind: 'compromise',
        });
        const breaks =
          plan.breaks.length > 0
            ? `Fails at once: ${plan.breaks.join(', ')}`
            : 'Nobody declared fails';
        const confirm = await confirmRevoke(options.confirm, `${plan.title}\n${breaks}`);
        return request(context, secret, { kind: 'compromise', confirm, options });
      }),
    );
}

function withRunOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'why', 'asked for on the command line')
    .option('--confirm <word>', 'the word revoke, for scripts')
    .option('--watch', 'follow the run until it ends')
    .option('--idempotency-key <key>', 'the same key again is the same run');
}

function outageOf({ acceptOutage, acceptSource }: RunOptions): unknown {
  if (acceptOutage === undefined && acceptSource === undefined) return undefined;
  const sources = (acceptSource ?? []).map(parseSource);
  return { dependents: acceptOutage ?? [], sources };
}

interface Request {
  readonly kind: 'rotate' | 'compromise';
  readonly confirm: 'revoke' | undefined;
  readonly options: RunOptions;
}

async function request(
  context: Context,
  secret: string,
  { kind, confirm, options }: Request,
): Promise<number | undefined> {
  const { api, output } = context;
  const body = {
    kind,
    confirm,
    reason: options.reason,
    replaceFirst: options.replaceFirst,
    everyVersion: options.everyVersion,
    acceptUnseenUse: options.acceptUnseenUse,
    acceptOutage: outageOf(options),
    noDependentsKnown: options.dependentsKnown === false ? true : undefined,
  };
  const key = options.idempotencyKey ?? randomUUID();
  const made = await api.post<{ runId: string; submission: string }>(
    `${secretPath(secret)}/runs`,
    body,
    key,
  );
  if (options.watch === true) return watchRun(context, made.runId, {});
  output.show(
    made,
    ({ runId, submission }) => `run ${runId} (${submission})\nrotor watch ${runId.slice(0, 8)}`,
  );
  return undefined;
}

function addAdopt(program: Command, act: Act): void {
  program
    .command('adopt <secret>')
    .description('take over a credential that is older than rotor')
    .option('--credential <id>', 'which one, where the issuer lists several')
    .option('--value-stdin', 'its value comes on standard input')
    .action(
      act(
        async (
          { api, output },
          secret: string,
          options: { credential?: string; valueStdin?: boolean },
        ) => {
          const value = options.valueStdin === true ? await valueFromStdin() : undefined;
          const body = { credentialId: options.credential, value };
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
