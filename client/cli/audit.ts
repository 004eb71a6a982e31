/** The commands about the audit trail: verified in the database, exported, and verified as a file by itself. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import { publicKeyOf } from '../../trail/signing.js';
import { verifyFiles } from './audit-file.js';
import { namePair, type Act, type Context } from './context.js';
import { counted } from './counted.js';
import { example } from './example.js';
import { asMoment } from './moment.js';
import { exitCodes } from './output.js';
import { queryOf } from './pages.js';
import { addSecretAudit } from './secret-audit.js';
import type { Row } from './row.js';

interface AuditVerdict {
  readonly chains: number;
  readonly events: number;
  readonly faults: readonly Row[];
}

interface VerifyOptions {
  readonly file?: string;
  readonly key?: string;
  readonly after?: string;
}

interface ExportOptions {
  readonly secret?: string;
  readonly from?: string;
  readonly to?: string;
}

export function addAudit(program: Command, act: Act): void {
  const audit = program.command('audit').description('the audit trail, and the audit of secrets');
  example(audit.command('verify'), 'rotor audit verify', 'rotor audit verify --file trail.ndjson')
    .description(
      'find changed, removed, inserted or reordered events; exit code 8 where there are any',
    )
    .option('--file <file>', 'of an export, without server or database; - is standard input')
    .option('--key <key>', 'the public key that must have signed it (rotor audit key)')
    .option('--after <file>', 'an earlier export, that this one has to go on from')
    .action(act((context, options: VerifyOptions) => verify(context, options)));
  example(
    audit.command('export'),
    'rotor audit export > trail.ndjson',
    'rotor audit export --secret acme/billing-api --from 2026-01-01',
  )
    .description('the trail as signed lines of JSON, on standard output')
    .option('--secret <secret>', 'of this secret only')
    .option('--from <moment>', 'what happened since, such as 2026-01-31T12:00:00Z', asMoment)
    .option('--to <moment>', 'what happened before', asMoment)
    .action(act((context, options: ExportOptions) => exportTrail(context, options)));
  example(audit.command('key'), 'rotor audit key')
    .description('the public key that exports are signed with')
    .action(
      act(async ({ api, output }) => {
        const key = await api.get<{ publicKey: string }>('/v1/audit/key');
        output.show(key, ({ publicKey }) => publicKey);
      }),
    );
  addSecretAudit(audit, act);
}

/** Exactly the lines that came, as fast as they are taken. */
async function exportTrail({ api }: Context, options: ExportOptions): Promise<void> {
  if (options.secret !== undefined) namePair(options.secret, "a secret's name");
  for await (const chunk of api.stream(`/v1/audit/export${queryOf({ ...options })}`))
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}

async function verify(context: Context, options: VerifyOptions): Promise<number> {
  refuseWithoutFile(options);
  const { file, key, after } = options;
  if (file !== undefined) return verifyFiles(context.output, { file, key, after });
  const verdict = await context.api.get<AuditVerdict>('/v1/audit/verify');
  context.output.show(verdict, auditText);
  return verdict.faults.length > 0 ? exitCodes.faulty : exitCodes.fine;
}

/** All that is wrong at once. */
function refuseWithoutFile({ file, key, after }: VerifyOptions): void {
  const problems = [
    ...(file === undefined && key !== undefined ? [needsFile('--key')] : []),
    ...(file === undefined && after !== undefined ? [needsFile('--after')] : []),
    ...(key !== undefined && publicKeyOf(key) === undefined
      ? [{ path: '--key', message: 'is no public key: rotor audit key prints one' }]
      : []),
  ];
  if (problems.length === 0) return;
  const about = { kind: 'invalid', problems } as const;
  throw new RotorError('usage-invalid', 'the options do not fit', about);
}

function needsFile(path: string): { path: string; message: string } {
  return { path, message: 'is about exports: --file names one' };
}

function auditText({ chains, events, faults }: AuditVerdict): string {
  if (faults.length === 0)
    return `${counted(events, 'event')} in ${counted(chains, 'chain')}: complete and unchanged`;
  const lines = faults.map(
    ({ chainId, seq, fault }) => `chain ${String(chainId)}, event ${String(seq)}: ${String(fault)}`,
  );
  return lines.join('\n');
}
