/** The commands that declare and administer: apply, tokens, audit, doctor. */
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import { readDeclarations } from '../declaration-files.js';
import { addAudit } from './audit.js';
import { type Act, type Context } from './context.js';
import { exitCodes } from './output.js';
import type { Row } from './row.js';
import { changesText, checksText, tokensText } from './views.js';
import { example } from './example.js';

export function addAdministration(program: Command, act: Act): void {
  example(
    program.command('apply'),
    'rotor apply -f declarations.yaml --dry-run',
    'rotor apply -f declarations.yaml',
  )
    .description('declare organizations, policies, dependents and secrets')
    .requiredOption('-f, --file <path>', 'a YAML file, or a folder of them')
    .option('--dry-run', 'only show what would change')
    .action(act((context, options: { file: string; dryRun?: boolean }) => apply(context, options)));
  addTokens(program, act);
  addAudit(program, act);
  example(program.command('doctor'), 'rotor doctor')
    .description('check every part, and say what to do')
    .action(
      act(async ({ api, output }) => {
        const checks = await api.get<Row[]>('/v1/checks');
        output.show(checks, checksText);
        return checks.every(({ fine }) => fine === true) ? exitCodes.fine : exitCodes.faulty;
      }),
    );
}

async function apply(
  { api, output }: Context,
  options: { file: string; dryRun?: boolean },
): Promise<void> {
  const read = readDeclarations(options.file);
  const body = { documents: read.documents, dryRun: options.dryRun ?? false };
  try {
    const { changes } = await api.post<{ changes: Row[] }>('/v1/declarations', body);
    output.show(changes, changesText);
  } catch (error) {
    if (!(error instanceof RotorError)) throw error;
    throw new RotorError(error.code, error.message, {
      kind: error.kind,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      problems: read.locate(error.problems),
    });
  }
}

interface TokenOptions {
  readonly role: string;
  readonly holder: string;
  readonly person?: string;
  readonly organization?: string;
  readonly validFor: string;
}

function addTokens(program: Command, act: Act): void {
  const token = program.command('token').description('access tokens of the API');
  example(
    token.command('create <name>'),
    'rotor token create ci --role operator --holder service --valid-for 30d',
    'rotor token create ada --role approver',
  )
    .description('printed once, and never again')
    .requiredOption('--role <role>', 'viewer, operator, approver, security or admin')
    .option('--holder <holder>', 'person or service', 'person')
    .option('--person <name>', 'whose it is, where that is not its name')
    .option('--organization <name>', 'for one organization only')
    .option('--valid-for <duration>', 'how long', '90d')
    .action(
      act(async ({ api, output }, name: string, options: TokenOptions) => {
        const made = await api.post<{ token: string }>('/v1/tokens', { name, ...options });
        output.show(made, ({ token: text }) => text);
      }),
    );
  example(token.command('list'), 'rotor token list')
    .description('without their values')
    .action(
      act(async ({ api, output }) => {
        output.show(await api.get<Row[]>('/v1/tokens'), tokensText);
      }),
    );
  example(token.command('revoke <name>'), 'rotor token revoke ci')
    .description('refused from now on')
    .action(
      act(async ({ api, output }, name: string) => {
        output.show(
          await api.remove<Row>(`/v1/tokens/${encodeURIComponent(name)}`),
          () => `${name} is revoked`,
        );
      }),
    );
}
