/** The commands that ask for runs: what each would do, and doing it. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { nothingMintedBefore } from '../../domain/registry.js';
import type { RunKind } from '../../domain/run.js';
import { shortId } from '../../domain/told-id.js';
import { asAsked, untilSomebodyHelps } from './blocked.js';
import { confirmRevoke } from './confirm.js';
import { secretPath, type Act, type Context } from './context.js';
import { asMoment } from './moment.js';
import { parseSource } from './source.js';
import { planText, type PlanView } from './views.js';
import { watchRun } from './watch.js';
import { example } from './example.js';

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
  readonly version?: string[];
  readonly leakedBefore?: string;
  readonly exclude?: string[];
}

export function addRequests(program: Command, act: Act): void {
  addPlan(program, act);
  addRotate(program, act);
  addCompromise(program, act);
  addRevoke(program, act);
  addDecommission(program, act);
}

interface PlanOptions {
  readonly compromise?: boolean;
  readonly decommission?: boolean;
  readonly revoke?: string[];
}

function addPlan(program: Command, act: Act): void {
  example(
    program.command('plan <secret>'),
    'rotor plan acme/billing-api',
    'rotor plan acme/billing-api --compromise',
  )
    .description('what a rotation would do, who would break, what blocks')
    .option('--compromise', 'what containing a compromise would do')
    .option('--decommission', 'what ending the secret would do')
    .option('--revoke <version...>', 'what revoking these versions would do')
    .action(
      act(async ({ api, output }, secret: string, options: PlanOptions) => {
        const body = { kind: plannedKind(options), versions: options.revoke };
        output.show(await api.post<PlanView>(`${secretPath(secret)}/plan`, body), planText);
      }),
    );
}

function plannedKind({ compromise, decommission, revoke }: PlanOptions): RunKind {
  if (compromise === true) return 'compromise';
  if (decommission === true) return 'decommission';
  return revoke === undefined ? 'rotate' : 'revoke';
}

function addRotate(program: Command, act: Act): void {
  example(
    withAcceptance(withRunOptions(program.command('rotate <secret>'))),
    'rotor rotate acme/billing-api --reason "quarterly" --watch',
  )
    .description('replace a secret, move everybody, revoke the old one when it is proven unused')
    .action(
      act(async (context, secret: string, options: RunOptions) => {
        const accepts = options.acceptUnseenUse === true || outageOf(options) !== undefined;
        const confirm = accepts ? await confirmOutage(context, secret, options) : undefined;
        return request(context, secret, { kind: 'rotate', confirm, options });
      }),
    );
}

function addCompromise(program: Command, act: Act): void {
  example(
    withRunOptions(program.command('compromise <secret>')),
    'rotor compromise acme/billing-api --reason "a leak" --confirm revoke --watch',
  )
    .description('revoke what leaked now, then replace it everywhere')
    .option('--version <version...>', 'what leaked: v3, or all; otherwise all that is in use')
    .option(
      '--leaked-before <moment>',
      'every version that was minted before it, such as 2026-01-31T12:00:00Z',
      asMoment,
    )
    .option(
      '--exclude <dependent...>',
      'the system that leaked: given no new value until it is released',
    )
    .option(
      '--replace-first <duration>',
      'replace first; revoke after this time whatever is unfinished',
    )
    .action(
      act((context, secret: string, options: RunOptions) =>
        confirmAndRequest(context, secret, { kind: 'compromise', options }),
      ),
    );
}

function addRevoke(program: Command, act: Act): void {
  example(
    withAcceptance(withRunOptions(program.command('revoke <secret>'))),
    'rotor revoke acme/old-api --version v1 --accept-outage old-shop --watch \\',
    '  --reason "the shop closes today" --confirm revoke',
  )
    .description('end one version: refused where a dependent would break')
    .requiredOption('--version <version...>', 'which, such as v2')
    .action(
      act((context, secret: string, options: RunOptions) =>
        confirmAndRequest(context, secret, { kind: 'revoke', options }),
      ),
    );
}

function addDecommission(program: Command, act: Act): void {
  example(
    withAcceptance(withRunOptions(program.command('decommission <secret>'))),
    'rotor decommission acme/old-api --accept-outage old-shop --watch \\',
    '  --reason "the shop is closed" --confirm revoke',
  )
    .description('end a secret that nobody needs any more; rotor abort brings it back in time')
    .action(
      act((context, secret: string, options: RunOptions) =>
        confirmAndRequest(context, secret, { kind: 'decommission', options }),
      ),
    );
}

function withRunOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'why', 'asked for on the command line')
    .option('--confirm <word>', 'the word revoke, for scripts')
    .option('--watch', `follow the run until it ends; ${untilSomebodyHelps}`)
    .option('--idempotency-key <key>', 'the same key again is the same run');
}

function withAcceptance(command: Command): Command {
  return command
    .option('--no-dependents-known', 'go on although nobody is declared to use it')
    .option(
      '--accept-unseen-use',
      'where the issuer cannot show all use: it may break, and you say so',
    )
    .option('--accept-outage <dependent...>', 'these dependents may break')
    .option(
      '--accept-source <source...>',
      'undeclared sources that may break, as rotor plan prints them, or their user agent',
    );
}

interface Asked {
  readonly kind: RunKind;
  readonly options: RunOptions;
}

/** What breaks is said before the word is asked for. */
async function confirmAndRequest(
  context: Context,
  secret: string,
  { kind, options }: Asked,
): Promise<number | undefined> {
  const plan = await context.api.post<PlanView>(
    `${secretPath(secret)}/plan`,
    bodyOf({ kind, options }),
  );
  const { leakedBefore, idempotencyKey } = options;
  // Under a key it may be the same request again, and contained by now: that is for the API to know.
  if (leakedBefore !== undefined && plan.ends.length === 0 && idempotencyKey === undefined)
    throw nothingMintedBefore(secret, leakedBefore);
  const confirm = await confirmRevoke(context.output, {
    said: options.confirm,
    shown: whatBreaks(kind, plan),
    what: plan.title,
    effect: effectOf(kind, options),
  });
  return request(context, secret, { kind, confirm, options });
}

function confirmOutage(
  { output }: Context,
  secret: string,
  { confirm: said }: RunOptions,
): Promise<'revoke'> {
  const what = `Rotating ${secret} with an accepted outage`;
  const effect = 'The old version is revoked for good although they may use it still.';
  return confirmRevoke(output, { said, what, effect });
}

function effectOf(kind: RunKind, { replaceFirst }: RunOptions): string {
  if (kind === 'decommission')
    return 'It is revoked for good once nobody uses it; until then rotor abort brings it back.';
  if (replaceFirst !== undefined)
    return `It is replaced first; after ${replaceFirst} it is revoked for good, whoever uses it.`;
  return 'This is immediate and permanent.';
}

function whatBreaks(kind: RunKind, { breaks, undeclared }: PlanView): string {
  const when = kind === 'compromise' ? 'Fails at once' : 'Uses it still';
  const named = breaks.length > 0 ? `${when}: ${breaks.join(', ')}` : `${when}: nobody declared`;
  const unknown = undeclared.length > 0 ? [`Nobody declared: ${undeclared.join('; ')}`] : [];
  return [named, ...unknown].join('\n');
}

function outageOf({ acceptOutage, acceptSource }: RunOptions): unknown {
  if (acceptOutage === undefined && acceptSource === undefined) return undefined;
  const sources = (acceptSource ?? []).map(parseSource);
  return { dependents: acceptOutage ?? [], sources };
}

function bodyOf({ kind, options }: Asked): Record<string, unknown> {
  const all = options.version?.includes('all') === true;
  return {
    kind,
    reason: options.reason,
    versions: all ? undefined : options.version,
    everyVersion: all ? true : undefined,
    leakedBefore: options.leakedBefore,
    exclude: options.exclude,
    replaceFirst: options.replaceFirst,
    acceptUnseenUse: options.acceptUnseenUse,
    acceptOutage: outageOf(options),
    noDependentsKnown: options.dependentsKnown === false ? true : undefined,
  };
}

async function request(
  context: Context,
  secret: string,
  { confirm, ...asked }: Asked & { readonly confirm: 'revoke' | undefined },
): Promise<number | undefined> {
  const { api, output } = context;
  const key = asked.options.idempotencyKey ?? randomUUID();
  const made = await api.post<{ runId: string; submission: string }>(
    `${secretPath(secret)}/runs`,
    { ...bodyOf(asked), confirm },
    key,
  );
  if (asked.options.watch === true) return watchRun(context, made.runId, asAsked(output));
  output.show(
    made,
    ({ runId, submission }) => `run ${runId} (${submission})\nrotor watch ${shortId(runId)}`,
  );
  return undefined;
}
