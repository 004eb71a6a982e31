/** Uses rotor's command line as a person would, and shows what it says. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import colors from 'picocolors';
import { packageRoot } from '../../infra/package-root.js';

export interface Said {
  readonly code: number;
  readonly output: string;
}

export interface Cli {
  /** Prints the command and what it says. */
  run(args: readonly string[], input?: string): Promise<Said>;
  /** The same, and nothing is shown. */
  quietly(args: readonly string[]): Promise<Said>;
}

export function openCli(stateFolder: string): Cli {
  return {
    run: async (args, input) => {
      console.log(`\n${colors.dim('$')} ${colors.bold(`rotor ${args.map(shorten).join(' ')}`)}`);
      return call(stateFolder, { args, input, show: true });
    },
    quietly: (args) => call(stateFolder, { args, input: undefined, show: false }),
  };
}

function shorten(argument: string): string {
  const name = argument.startsWith('/') ? (argument.split('/').at(-1) ?? '') : argument;
  return name.includes(' ') ? JSON.stringify(name) : name;
}

interface Called {
  readonly args: readonly string[];
  readonly input: string | undefined;
  readonly show: boolean;
}

function call(stateFolder: string, { args, input, show }: Called): Promise<Said> {
  const script = join(packageRoot(), 'dist', 'workers', 'rotor.js');
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...colour, ROTOR_STATE: stateFolder },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(input ?? '');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
    if (show) process.stdout.write(indent(chunk.toString('utf8')));
  });
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
