/** The command that moves what is sealed to a new key: a program of its own, since no value or key goes through the API. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Argument, type Command } from 'commander';
import { confirmWord } from './confirm.js';
import type { GlobalOptions } from './context.js';
import { example } from './example.js';
import { exitCodes, openOutput } from './output.js';

const about = `
Where the key file is, with DATABASE_URL as workers have it. What runs goes on.
Without a step: add, promote and reseal, for a key file on one machine. Killed
half way, it goes on where it was when it is started again.
  add      a new key that opens only; give the file to every other machine now
  promote  it seals from now on
  reseal   seals everything with it that was sealed with another key
  drop     removes keys that nothing is sealed with; older backups need them
  status   which key does what`;

export function addRekey(program: Command): void {
  const rekey = program.command('rekey');
  rekey
    .description('seal every value in the store with a new key')
    .addArgument(
      new Argument('[step]', 'one step of it').choices([
        'add',
        'promote',
        'reseal',
        'drop',
        'status',
      ]),
    )
    .option('--confirm <word>', 'drop, where nobody can be asked to type it')
    .addHelpText('after', about)
    .action(async (step: string | undefined, options: { confirm?: string }) => {
      const { json = false } = program.opts<GlobalOptions>();
      if (step === 'drop')
        await confirmWord(openOutput(json), 'drop', {
          said: options.confirm,
          what: 'Backups made before lose their values',
          effect: 'A key that was dropped does not come back.',
        });
      process.exitCode = await runProgram([step ?? 'all', ...(json ? ['--json'] : [])]);
    });
  example(rekey, 'rotor rekey', 'rotor rekey status');
}

/** It ends with this process. */
function runProgram(args: readonly string[]): Promise<number> {
  const script = fileURLToPath(new URL('../../workers/rekey.js', import.meta.url));
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ROTOR_CHILD: '1' },
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code ?? exitCodes.failed));
  });
}
