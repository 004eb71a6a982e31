/** The command that looks for findings now, and not with the next day. */
import type { Command } from 'commander';
import { RotorError } from '../../domain/errors.js';
import type { SweepTold } from '../../domain/sweep/progress.js';
import type { Act, Context } from './context.js';
import { counted } from './counted.js';
import { exitCodes } from './output.js';
import { example } from './example.js';
import { untilEnded, type Pace } from './until-ended.js';

interface State {
  readonly workflowId: string;
  readonly running: boolean;
  readonly told?: SweepTold;
}

export function addSweep(program: Command, act: Act): void {
  example(program.command('sweep'), 'rotor sweep --watch')
    .description('look at every secret, issuer and destination now; it happens daily anyway')
    .option('--watch', 'wait for its end; exit code 8 where somebody did not answer')
    .action(act((context, options: { watch?: boolean }) => sweep(context, options)));
}

export async function sweep(
  { api, output }: Context,
  { watch = false }: { watch?: boolean },
  pace?: Pace,
): Promise<number> {
  const path = '/v1/sweep';
  const begun = await api.post<State>(path);
  const state = watch ? await untilEnded(api, { begun, path }, pace) : begun;
  output.show(state, textOf);
  if (!watch) return exitCodes.fine;
  if (state.told === undefined) {
    throw new RotorError('sweep-failed', `the sweep did not end as it should`, {
      kind: 'failed',
      hint: `its workflow is ${state.workflowId}`,
    });
  }
  return isWhole(state.told) ? exitCodes.fine : exitCodes.faulty;
}

function isWhole({ notAsked, notReached = [], brokeOff }: SweepTold): boolean {
  return notAsked.length + notReached.length === 0 && brokeOff !== true;
}

function textOf({ running, told, workflowId }: State): string {
  if (told === undefined) return running ? `sweeping (${workflowId})` : 'no result';
  const { outcome, secrets, opened, closed, notAsked, notReached = [] } = told;
  if (outcome === 'recovering') return 'nothing was swept: the installation is recovering';
  const lines = [
    `${counted(secrets, 'secret')} swept: ${counted(opened, 'finding')} opened, ${closed} closed`,
  ];
  const silent = [...notAsked, ...notReached];
  if (silent.length > 0) lines.push(`not answered by ${silent.join(', ')}`);
  if (told.brokeOff === true) lines.push('not all destinations were looked at');
  return [...lines, 'rotor findings shows them'].join('\n');
}
