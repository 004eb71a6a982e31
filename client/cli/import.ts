/** The commands that propose declarations for secrets that lie elsewhere already: names are read, and nothing is changed. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { RotorError, type Problem } from '../../domain/errors.js';
import type { Found } from '../../domain/import/found.js';
import { Name } from '../../schemas/names.js';
import { readDotenvFiles } from '../import/dotenv.js';
import { proposalOf, type Proposal } from '../import/proposal.js';
import type { Act, Context } from './context.js';
import { counted } from './counted.js';
import { example } from './example.js';

export type ImportSource = 'aws-secrets-manager' | 'openbao';

type Options = Readonly<Record<string, unknown>>;

export interface ImportMeans {
  /** What is wrong with the options, all of it. */
  problems(source: ImportSource, options: Options): readonly Problem[];
  list(source: ImportSource, options: Options): Promise<Found>;
  /** Names of the issuers of rotor.yaml, with their kinds; none where it is not here. */
  issuers(): ReadonlyMap<string, string>;
}

/** Loaded when it is needed: the libraries of stores come along. */
export type OpenImport = () => Promise<ImportMeans>;

interface Common {
  readonly organization: string;
  readonly out?: string;
}

export function addImport(program: Command, act: Act, open: OpenImport): void {
  const all = program
    .command('import')
    .description('propose declarations for secrets that exist already; nothing is changed');
  addDotenv(all, act, open);
  addAws(all, act, open);
  addOpenbao(all, act, open);
}

/** Given last, so that the options of the source come first in the help. */
function common(command: Command): Command {
  return command
    .requiredOption('--organization <name>', 'that they are proposed for')
    .option('--out <file>', 'where the YAML is written; never over a file that exists');
}

function addDotenv(all: Command, act: Act, open: OpenImport): void {
  example(
    common(all.command('dotenv <files...>')),
    'rotor import dotenv billing.env reports.env --organization acme \\',
    '  --out found.yaml',
  )
    .description('variables of dotenv files; one value in several files is one secret')
    .action(
      act(async (context, files: string[], options: Common) => {
        const { found, problems } = readDotenvFiles(files);
        refuse([...commonProblems(options), ...problems]);
        propose(context, options, { found, means: await open() });
      }),
    );
}

type FromStore = Common & Options;

function addAws(all: Command, act: Act, open: OpenImport): void {
  const command = all.command('aws-secrets-manager');
  command
    .description('secrets of a region, by name, tags and dates; their values are not read')
    .option('--region <region>', 'such as eu-central-1')
    .option('--prefix <text>', 'only names that begin so')
    .option('--endpoint <url>', "another address than the region's")
    .option('--access-key-id-file <file>', "of mode 0600; otherwise the SDK's own chain")
    .option('--secret-access-key-file <file>', 'of mode 0600')
    .option('--most-secrets <number>', 'so many, and no more', '2000');
  example(
    common(command),
    'rotor import aws-secrets-manager --region eu-central-1 --prefix shop/ \\',
    '  --organization acme --out aws.yaml',
  ).action(
    act((context, options: FromStore) =>
      fromStore(context, options, ['aws-secrets-manager', open]),
    ),
  );
}

function addOpenbao(all: Command, act: Act, open: OpenImport): void {
  const command = all.command('openbao');
  command
    .description('secrets of a KV engine, by path, key and metadata; values of v2 are not read')
    .option('--url <url>', 'where OpenBao is')
    .option('--token-file <file>', 'of mode 0600: a token that may list')
    .option('--namespace <name>')
    .option('--mount <path>', 'of the engine', 'secret')
    .option('--path <path>', 'only below this path')
    .option('--depth <number>', 'folders below it', '16')
    .option('--most-secrets <number>', 'so many, and no more', '2000');
  example(
    common(command),
    'rotor import openbao --url URL --token-file bao-token --path shop/ \\',
    '  --organization acme --out bao.yaml',
  ).action(act((context, options: FromStore) => fromStore(context, options, ['openbao', open])));
}

async function fromStore(
  context: Context,
  { organization, out, ...given }: FromStore,
  [source, open]: readonly [ImportSource, OpenImport],
): Promise<void> {
  const means = await open();
  const options = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      numeric.has(name) ? asNumber(value) : value,
    ]),
  );
  const asked: Common = { organization, ...(out === undefined ? {} : { out }) };
  refuse([...commonProblems(asked), ...means.problems(source, options)]);
  propose(context, asked, { found: await means.list(source, options), means });
}

const numeric = new Set(['mostSecrets', 'depth']);

/** What is no number stays, and is told as such. */
function asNumber(value: unknown): unknown {
  return /^\d+$/.test(String(value)) ? Number(value) : value;
}

function commonProblems({ organization, out }: Common): Problem[] {
  const name = Name.safeParse(organization);
  return [
    ...(name.error?.issues ?? []).map(({ message }) => ({ path: '--organization', message })),
    ...(out === undefined ? [] : outProblems(out)),
  ];
}

function outProblems(out: string): Problem[] {
  const path = '--out';
  if (existsSync(out)) {
    return [{ path, message: `${out} exists`, hint: 'nothing is overwritten: name another file' }];
  }
  const folder = dirname(resolve(out));
  const found = statSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true ? [] : [{ path, message: `there is no folder ${folder}` }];
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const message = 'nothing was imported';
  throw new RotorError('import-invalid', message, { kind: 'invalid', problems });
}

interface Proposed {
  readonly found: Found;
  readonly means: ImportMeans;
}

function propose(
  { output }: Context,
  { organization, out }: Common,
  { found, means }: Proposed,
): void {
  if (found.secrets.length === 0) {
    throw new RotorError('nothing-found', `no secret was found in ${found.source}`, {
      kind: 'missing',
      hint: found.leftOut.slice(0, 5).join('; ') || 'is it the right place?',
    });
  }
  const proposal = proposalOf({ organization, found, issuers: means.issuers() });
  if (out !== undefined) write(out, proposal.text);
  const { secrets, decisions } = proposal;
  const leftOut = found.leftOut.length;
  const told = { ...{ file: out, secrets, decisions, leftOut }, yaml: proposal.text };
  output.show(told, () =>
    out === undefined ? proposal.text.trimEnd() : writtenText(out, { ...proposal, leftOut }),
  );
}

function write(out: string, text: string): void {
  try {
    writeFileSync(out, text, { flag: 'wx' });
  } catch {
    throw new RotorError('output-lost', `${out} cannot be written`, { kind: 'failed' });
  }
}

function writtenText(
  out: string,
  { secrets, decisions, leftOut }: Proposal & { readonly leftOut: number },
): string {
  return [
    `${out}: ${counted(secrets, 'secret')}, ${counted(decisions, 'line')} to decide, ${leftOut} not taken`,
    `grep decide: ${out}`,
    `rotor apply -f ${out} --dry-run`,
  ].join('\n');
}
