/** The command for an installation whose database was set back to a backup. */
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import type { RecoveredRow, RecoveryTold } from '../../domain/recovery.js';
import { confirmWord } from './confirm.js';
import type { Act, Context } from './context.js';
import { asMoment } from './moment.js';
import { example } from './example.js';
import { untilEnded, type Pace } from './until-ended.js';
import { exitCodes, table, type Output } from './output.js';

interface State {
  readonly workflowId: string;
  readonly running: boolean;
  readonly recovering?: boolean;
  readonly told?: RecoveryTold;
}

interface Options {
  readonly dryRun?: boolean;
  readonly without: readonly string[];
  readonly reason?: string;
  readonly confirm?: string;
  readonly setBackAt?: string;
}

export function addRecover(program: Command, act: Act): void {
  example(
    program.command('recover'),
    'rotor recover --dry-run',
    'rotor recover --reason "set back to the backup of Monday" --confirm recover \\',
    '  --set-back-at 2026-01-31T12:00:00Z',
  )
    .description('after the database was set back to a backup: adopt what issuers hold')
    .option('--dry-run', 'only show what would be done')
    .option(
      '--without <issuer>',
      'one that cannot be asked; may be said again',
      (name: string, before: readonly string[]) => [...before, name],
      [],
    )
    .option('--reason <text>', 'what happened')
    .option(
      '--set-back-at <moment>',
      'when it was set back, where rotor has not noticed by itself',
      asMoment,
    )
    .option('--confirm <word>', 'recover, where nobody can be asked to type it')
    .action(act((context, options: Options) => recover(context, options)));
}

export async function recover(
  { api, output }: Context,
  options: Options,
  pace?: Pace,
): Promise<number> {
  const { dryRun = false, without, reason, setBackAt } = options;
  const confirm = dryRun ? undefined : await confirmed(output, options.confirm);
  const path = '/v1/recovery';
  const body = { dryRun, without, reason, confirm, setBackAt };
  const begun = await api.post<State>(path, body);
  const state = await untilEnded(api, { begun, path }, pace);
  const { told } = state;
  if (told === undefined) {
    throw new RotorError('recovery-failed', 'the recovery did not end as it should', {
      kind: 'failed',
      hint: `its workflow is ${state.workflowId}; ask again, it goes on`,
    });
  }
  output.show(told, (all) => textOf(all, state.recovering === false));
  return told.notAsked.length > 0 ? exitCodes.faulty : exitCodes.fine;
}

function confirmed(output: Output, said: string | undefined): Promise<'recover'> {
  return confirmWord(output, 'recover', {
    said,
    what: 'Runs that were under way in the backup end, and what issuers hold is adopted without its values',
    effect: 'Runs that have ended do not come back.',
  });
}

const words: Readonly<Record<RecoveredRow['what'], string>> = {
  adopted: 'adopted',
  minted: 'found minted',
  orphan: 'orphan',
  gone: 'gone',
  'run-ended': 'run ended',
  'workflow-ended': 'workflow ended',
};

const endings: Readonly<Record<RecoveryTold['outcome'], string>> = {
  recovered: 'recovered: versions are revoked again, once they have earned it',
  'dry-run': 'nothing was done: rotor recover does it',
  'still-recovering': 'still recovering: nothing is revoked or swept',
};

/** What a recovery would end is not to be ended where nothing was set back. */
const nothingSetBack =
  'nothing was done, and nothing says that the database was set back: rotor recover is for one that was (--set-back-at TIME)';

function textOf(
  { outcome, secrets, rows, further, notAsked }: RecoveryTold,
  isSound: boolean,
): string {
  const lines = rows.map(({ secret, what, about, told }) => [secret, words[what], about, told]);
  return [
    table(['secret', '', 'what', ''], lines),
    ...(further > 0 ? [`and ${further} more: rotor audit export has all`] : []),
    `${secrets} secrets compared with their issuers`,
    ...notAsked.map(
      ({ issuer, why }) => `${issuer}: ${why}. Mend it, or say --without ${issuer} --reason TEXT`,
    ),
    outcome === 'dry-run' && isSound ? nothingSetBack : endings[outcome],
  ].join('\n');
}
