/** Containing while rotor itself is down: shows what ends and who breaks, asks for the word, tells what happened to each credential. */
import type { Command } from 'commander';
import colors from 'picocolors';
import type { KnownDependent } from '../../domain/direct.js';
import { RotorError } from '../../domain/errors.js';
import type { SecretName } from '../../domain/registry.js';
import { Text } from '../../schemas/names.js';
import { confirmRevoke } from './confirm.js';
import { namePair } from './context.js';
import { exitCodes, openOutput, type Output } from './output.js';
import { example } from './example.js';

export interface DirectAsked extends SecretName {
  /** `v3`, or all. */
  readonly version: string;
}

export interface DirectPreview {
  readonly secret: string;
  readonly owner: string;
  readonly issuer: string;
  readonly inventory: {
    readonly writtenAt: Date;
    readonly age: string;
    readonly stale: boolean;
  };
  readonly ends: readonly { readonly version: string; readonly credentialId: string }[];
  readonly breaks: readonly KnownDependent[];
  /** Credentials of the same principal that are not rotor's, or were not asked for. */
  readonly leftAlone: readonly string[];
  /** What the issuer said where it could not list what it has. */
  readonly notListed?: string | undefined;
}

export interface DirectOutcome {
  readonly version: string;
  readonly credentialId: string;
  readonly outcome: 'revoked' | 'gone-already' | 'failed';
  /** Until it was proven, or had failed. */
  readonly ms: number;
  /** The issuer shows nothing by which anybody could know that it is gone. */
  readonly unproven?: boolean;
  readonly code?: string;
  readonly message?: string;
  /** Trying again can help. */
  readonly passing?: boolean;
}

export interface DirectResult {
  readonly outcomes: readonly DirectOutcome[];
  /** Made meanwhile, and not ended any more: somebody goes on making them. */
  readonly left: readonly string[];
  /** Why nobody knows whether more was made meanwhile. */
  readonly notListedAgain?: string | undefined;
  /** Undefined where nothing could be written. */
  readonly journal: string | undefined;
}

export interface DirectOrder {
  readonly reason: string;
  readonly by: string | undefined;
  readonly told: (outcome: DirectOutcome) => void;
}

export interface Direct {
  readonly preview: DirectPreview;
  contain(order: DirectOrder): Promise<DirectResult>;
}

export type OpenDirect = (asked: DirectAsked) => Promise<Direct>;

interface ContainOptions {
  readonly direct?: boolean;
  readonly version: string;
  readonly reason: string;
  readonly as?: string;
  readonly confirm?: string;
}

export interface DirectWay {
  readonly open: OpenDirect;
  readonly json: () => boolean;
}

export function addContain(program: Command, { open, json }: DirectWay): void {
  example(
    program.command('contain <secret>'),
    'rotor contain acme/billing-api --direct --reason "on a wiki" --confirm revoke',
  )
    .description('when rotor itself is down: revoke at the issuer, with no server of rotor')
    .option('--direct', 'yes, without rotor; otherwise it is rotor compromise that you want')
    .option('--version <version>', 'v3; or all that live, those just minted too', 'all')
    .requiredOption('--reason <text>', 'why')
    .option('--as <name>', 'who you are, which nobody checks (default: of this account)')
    .option('--confirm <word>', 'the word revoke, for scripts')
    .action(async (secret: string, options: ContainOptions) => {
      process.exitCode = await contain(openOutput(json()), open, { secret, ...options });
    });
}

async function contain(
  output: Output,
  open: OpenDirect,
  { secret, direct, ...options }: ContainOptions & { readonly secret: string },
): Promise<number> {
  const [organization, name] = namePair(secret, "a secret's name");
  if (direct !== true) throw notDirect(secret);
  const reason = asText(options.reason, '--reason');
  const by = options.as === undefined ? undefined : asText(options.as, '--as');
  const way = await open({ organization, secret: name, version: options.version });
  const { preview } = way;
  if (preview.ends.length === 0 && preview.notListed === undefined) throw nothingLives(preview);
  // Also where the word is given already: whoever does this sees who breaks.
  process.stderr.write(`${previewText(preview)}\n`);
  await confirmRevoke(output, {
    said: options.confirm,
    what: `All of these are revoked at ${preview.issuer} at once`,
    effect: 'This is immediate and permanent.',
  });
  const told = (one: DirectOutcome): void => {
    if (!output.json) output.print(outcomeText(one));
  };
  const result = await way.contain({ reason, by, told });
  output.show({ ...preview, ...result }, () => resultText(preview, result));
  return outcomeCode(result);
}

function notDirect(secret: string): RotorError {
  return new RotorError('not-direct', 'contain is for the day when rotor itself is down', {
    kind: 'invalid',
    hint: `rotor is up: rotor compromise ${secret}; it is down: rotor contain ${secret} --direct`,
  });
}

function nothingLives({ secret, inventory }: DirectPreview): RotorError {
  return new RotorError('nothing-lives', `no credential of ${secret} is known that lives`, {
    kind: 'missing',
    hint: `the inventory is ${inventory.age} old; the issuer's own console shows all that it has`,
  });
}

function asText(text: string, path: string): string {
  const checked = Text.safeParse(text);
  if (checked.success) return checked.data;
  throw new RotorError('usage-invalid', `${path} cannot be used`, {
    kind: 'invalid',
    problems: checked.error.issues.map(({ message }) => ({ path, message })),
  });
}

function previewText(preview: DirectPreview): string {
  const { secret, owner, issuer, inventory, ends, breaks, leftAlone, notListed } = preview;
  const { age, writtenAt, stale } = inventory;
  const users = breaks.map((one) => `${one.name} (${one.owner}): ${one.destination}`);
  const known = `known    from the inventory of ${writtenAt.toISOString()}, ${age} old`;
  const lines = [
    `Contain ${secret} (owner: ${owner}) at ${issuer}, without rotor`,
    ...(stale ? [colors.yellow(`${known}: what changed since is not in it`)] : [known]),
    ...(notListed === undefined
      ? []
      : [colors.yellow(`warning  ${issuer} lists nothing: ${notListed}; what is newer stays`)]),
    ...told(
      'ends',
      ends.map(({ version, credentialId }) => `${version} ${credentialId}`),
    ),
    ...told('breaks', users.length === 0 ? ['nobody declared'] : users),
    ...told(
      'stays',
      leftAlone.map((id) => `${id}: not rotor's, or not asked for`),
    ),
  ];
  return lines.join('\n');
}

function told(what: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${(index === 0 ? what : '').padEnd(8)} ${line}`);
}

function outcomeText(one: DirectOutcome): string {
  const { version, credentialId, outcome, ms, unproven, code, message } = one;
  const which = `${version} ${credentialId}`;
  switch (outcome) {
    case 'revoked':
      return unproven === true
        ? `  ${colors.yellow('✓')} ${which}: revoked in ${ms} ms; its issuer shows nothing that proves it`
        : `  ${colors.green('✓')} ${which}: revoked, and gone after ${ms} ms`;
    case 'gone-already':
      return `  ${colors.green('✓')} ${which}: was gone already`;
    case 'failed':
      return `  ${colors.red('✗')} ${which}: ${message ?? 'failed'} (${code ?? 'unexpected'})`;
  }
}

function resultText({ secret, leftAlone }: DirectPreview, result: DirectResult): string {
  const { outcomes, journal, left, notListedAgain } = result;
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed').length;
  const lines = [`${outcomes.length - failed} of ${outcomes.length} contained`];
  if (failed > 0)
    lines.push(
      colors.red('not all: the same command again goes on, or revoke at the issuer itself'),
    );
  if (left.length > 0)
    lines.push(
      colors.red(`made meanwhile, and alive: ${left.join(', ')}; stop the workers, then once more`),
    );
  if (notListedAgain !== undefined)
    lines.push(
      colors.red(`whether more was made meanwhile is not known (${notListedAgain}): once more`),
    );
  if (leftAlone.length > 0) lines.push(`still there: ${leftAlone.join(', ')}`);
  lines.push(
    journal === undefined
      ? colors.red(`nothing could be written down: once rotor is up, rotor compromise ${secret}`)
      : `on record in ${journal}: a worker replaces it everywhere, at once or when it starts`,
  );
  return lines.join('\n');
}

/** What may pass by itself is `unavailable`: a script tries again. */
function outcomeCode({ outcomes, left, notListedAgain }: DirectResult): number {
  if (left.length > 0 || notListedAgain !== undefined) return exitCodes.unavailable;
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed');
  if (failed.length === 0) return outcomes.length === 0 ? exitCodes.unavailable : exitCodes.fine;
  return failed.some(({ passing }) => passing === true) ? exitCodes.unavailable : exitCodes.failed;
}
