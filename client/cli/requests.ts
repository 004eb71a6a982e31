/** The commands that ask for runs: who breaks is said first, unless the word was said already. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { RotorError, type ErrorKind } from '../../domain/errors.js';
import { nothingMintedBefore } from '../../domain/registry.js';
import type { RunKind } from '../../domain/run.js';
import { shortId } from '../../domain/told-id.js';
import { asAsked, untilSomebodyHelps } from './blocked.js';
import { confirmRevoke } from './confirm.js';
import { secretPath, type Act, type Context } from './context.js';
import { addPlan } from './plan.js';
import { bodyOf, outageOf, withAcceptance, withLeak, type ScopeOptions } from './run-body.js';
import type { PlanView } from './views.js';
import { watchRun } from './watch.js';
import { example } from './example.js';

interface RunOptions extends ScopeOptions {
  readonly reason?: string;
  readonly confirm?: string;
  readonly watch?: boolean;
  readonly idempotencyKey?: string;
}

export function addRequests(program: Command, act: Act): void {
  addPlan(program, act);
  addRotate(program, act);
  addCompromise(program, act);
  addRevoke(program, act);
  addDecommission(program, act);
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
    withLeak(withRunOptions(program.command('compromise <secret>'))),
    'rotor compromise acme/billing-api --reason "a leak" --confirm revoke --watch',
  )
    .description('revoke what leaked now, then replace it everywhere')
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

interface Asked {
  readonly kind: RunKind;
  readonly options: RunOptions;
}

interface Confirmed extends Asked {
  readonly confirm: 'revoke' | undefined;
  /** What ends, where whoever said the word was shown it. */
  readonly shown?: readonly string[];
}

async function confirmAndRequest(
  context: Context,
  secret: string,
  asked: Asked,
): Promise<number | undefined> {
  const { confirm: said } = asked.options;
  // Whoever has said the word waits for no preview: what was asked for is done, or refused, by the request.
  if (said === 'revoke') return request(context, secret, { ...asked, confirm: said });
  return request(context, secret, { ...asked, ...(await confirmed(context, secret, asked)) });
}

/** What breaks is said before the word is asked for. */
async function confirmed(
  context: Context,
  secret: string,
  asked: Asked,
): Promise<Pick<Confirmed, 'confirm' | 'shown'>> {
  const { kind, options } = asked;
  const { leakedBefore, idempotencyKey } = options;
  const plan = await preview(context, secret, asked);
  // Under a key it may be the same request again, and contained by now: that is for the API to know.
  if (leakedBefore !== undefined && plan?.ends.length === 0 && idempotencyKey === undefined)
    throw nothingMintedBefore(secret, leakedBefore);
  const confirm = await confirmRevoke(context.output, {
    said: options.confirm,
    ...(plan === undefined ? {} : { shown: whatBreaks(kind, plan) }),
    what: plan?.title ?? `${kind} ${secret}`,
    effect: effectOf(kind, options),
  });
  return { confirm, ...(plan === undefined ? {} : { shown: plan.ends }) };
}

/** Undefined where nothing can be shown, and the request itself has to say why, or need not. */
async function preview(
  { api, output }: Context,
  secret: string,
  asked: Asked,
): Promise<PlanView | undefined> {
  const path = `${secretPath(secret)}/plan`;
  try {
    return await api.post<PlanView>(path, bodyOf(asked));
  } catch (error) {
    if (!(error instanceof RotorError) || !isLeftToTheRequest(error, asked)) throw error;
    output.note(`who would break cannot be shown: ${error.message}`);
    return undefined;
  }
}

/** Of the same request again: its versions, or all of the secret, may be over by now. */
const overByNow: readonly ErrorKind[] = ['invalid', 'missing', 'conflict'];

/** That rotor cannot show what breaks, because of its issuer for example, keeps nobody from containing. */
function isLeftToTheRequest(
  { kind, problems }: RotorError,
  { kind: run, options }: Asked,
): boolean {
  if (options.idempotencyKey !== undefined && overByNow.includes(kind)) return true;
  return run === 'compromise' && problems.length === 0 && ['invalid', 'failed'].includes(kind);
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

interface Made {
  readonly runId: string;
  readonly submission: string;
  /** Joined a compromise that does not end these. */
  readonly livesOn?: readonly string[];
  /** Taken, and nothing is revoked for as long as this is so. */
  readonly held?: 'recovering';
}

async function request(
  context: Context,
  secret: string,
  asked: Confirmed,
): Promise<number | undefined> {
  const { output } = context;
  const made = await post(context, secret, asked);
  if (asked.options.watch === true) {
    for (const line of leftAlive(secret, made)) output.note(line);
    return watchRun(context, made.runId, asAsked(output));
  }
  output.show(made, ({ runId, submission }) =>
    [
      `run ${runId} (${submission})`,
      ...leftAlive(secret, made),
      `rotor watch ${shortId(runId)}`,
    ].join('\n'),
  );
  return undefined;
}

/** Whoever was shown what ends, and has said the word, means that: not only what another run was asked to end. */
async function post(context: Context, secret: string, asked: Confirmed): Promise<Made> {
  const { confirm, shown = [] } = asked;
  const key = asked.options.idempotencyKey ?? randomUUID();
  const path = `${secretPath(secret)}/runs`;
  const made = await context.api.post<Made>(path, { ...bodyOf(asked), confirm }, key);
  const version = shown.filter((one) => made.livesOn?.includes(one));
  if (version.length === 0) return made;
  const named = { ...asked, options: { ...asked.options, version } };
  return context.api.post<Made>(path, { ...bodyOf(named), confirm }, randomUUID());
}

/** What is not done by now, although it was asked for. */
function leftAlive(secret: string, { livesOn = [], held }: Made): string[] {
  const also = `rotor compromise ${secret} --version ${livesOn.join(' ')}`;
  const direct = `rotor contain ${secret} --direct --reason TEXT`;
  return [
    ...(livesOn.length === 0
      ? []
      : [`not ended by it: ${livesOn.join(', ')}. If that leaked too: ${also}`]),
    ...(held === undefined
      ? []
      : [
          'nothing is revoked yet: the database was set back (rotor recover --dry-run)',
          `a leak does not wait for that: ${direct}`,
        ]),
  ];
}
