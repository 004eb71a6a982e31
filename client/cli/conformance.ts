/** Holds a server that somebody wrote to what rotor asks of an issuer, rule by rule; no rotor has to run for it. */
import type { Command } from 'commander';
import colors from 'picocolors';
import { RotorError } from '../../domain/errors.js';
import { counted } from './counted.js';
import { example } from './example.js';
import { exitCodes, openOutput, type Output } from './output.js';

export interface ConformanceAsked {
  readonly url: string;
  readonly tokenFile: string | undefined;
  readonly caFile: string | undefined;
  /** Of a principal that has no credentials; undefined: any principal will do. */
  readonly specification: Readonly<Record<string, unknown>> | undefined;
  /** A program that logs in with the value on its standard input. */
  readonly use: string | undefined;
}

export interface RuleVerdict {
  readonly rule: string;
  readonly outcome: 'kept' | 'broken' | 'not-checked';
  readonly why: string | undefined;
}

export type HoldHttp = (
  asked: ConformanceAsked,
  told: (verdict: RuleVerdict) => void,
) => Promise<readonly RuleVerdict[]>;

export interface ConformanceWay {
  readonly hold: HoldHttp;
  readonly json: () => boolean;
}

const about = `
Each rule that fits the traits it tells is checked at a principal of its own,
and what was made is revoked afterwards: keep it from credentials in use.
With --use the record of use is checked, too: the program gets a value on its
standard input and a name as its argument; it ends with 0 where it was let in,
with 1 where not. Exit code 0 where no rule is broken, and 1 otherwise.`;

interface Options {
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly specification?: string;
  readonly use?: string;
}

export function addConformance(program: Command, { hold, json }: ConformanceWay): void {
  const conformance = program
    .command('conformance')
    .description('hold an issuer of your own to what rotor asks of it');
  const http = conformance
    .command('http <url>')
    .description('one that speaks the protocol of docs/your-own-issuer.md')
    .option('--token-file <file>', 'with the token that it wants')
    .option('--ca-file <file>', 'authorities of your own, as PEM')
    .option('--specification <json>', 'of a secret without credentials; else any principal')
    .option('--use <program>', 'how a program logs in; without it, use is not checked')
    .addHelpText('after', about)
    .action(async (url: string, options: Options) => {
      process.exitCode = await check(openOutput(json()), hold, askedFrom(url, options));
    });
  example(http, 'rotor conformance http URL --token-file issuer.token');
}

function askedFrom(url: string, { specification, ...options }: Options): ConformanceAsked {
  return {
    url,
    tokenFile: options.tokenFile,
    caFile: options.caFile,
    use: options.use,
    specification: specification === undefined ? undefined : readJson(specification),
  };
}

function readJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === 'object' && read !== null && !Array.isArray(read))
      return read as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw new RotorError('usage-invalid', '--specification is no JSON object', {
    kind: 'invalid',
    hint: `such as '{"principal":"trial"}'`,
  });
}

async function check(output: Output, hold: HoldHttp, asked: ConformanceAsked): Promise<number> {
  const verdicts = await hold(asked, (verdict) => {
    if (!output.json) output.print(line(verdict));
  });
  const broken = verdicts.filter(({ outcome }) => outcome === 'broken').length;
  const result = { url: asked.url, conforms: broken === 0, rules: verdicts };
  output.show(result, () => summary(verdicts));
  return broken === 0 ? exitCodes.fine : exitCodes.failed;
}

const signs = {
  kept: colors.green('✓'),
  broken: colors.red('✗'),
  'not-checked': colors.dim('–'),
} as const;

function line({ rule, outcome, why }: RuleVerdict): string {
  return `${signs[outcome]} ${rule}${why === undefined ? '' : `\n    ${why}`}`;
}

function summary(verdicts: readonly RuleVerdict[]): string {
  const count = (wanted: RuleVerdict['outcome']): number =>
    verdicts.filter(({ outcome }) => outcome === wanted).length;
  const [kept, broken, open] = [count('kept'), count('broken'), count('not-checked')];
  const unchecked = open === 0 ? '' : `, ${open} not checked`;
  return `${counted(kept, 'rule')} kept, ${broken} broken${unchecked}`;
}
