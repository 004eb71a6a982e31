/** Uses rotor's command line as a person would, and shows what it says. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import colors from 'picocolors';
import { packageRoot } from '../../infra/package-root.js';

export interface Said {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

export interface Cli {
  /** Prints the command and what it says. */
  run(args: readonly string[], input?: string): Promise<Said>;
}

export function openCli(stateFolder: string): Cli {
  return {
    run: async (args, input) => {
      console.log(`\n${colors.dim('$')} ${colors.bold(`rotor ${args.map(shorten).join(' ')}`)}`);
      return call(stateFolder, args, input);
    },
  };
}

function shorten(argument: string): string {
  const name = argument.startsWith('/') ? (argument.split('/').at(-1) ?? '') : argument;
  return name.includes(' ') ? JSON.stringify(name) : name;
}

function call(stateFolder: string, args: readonly string[], input?: string): Promise<Said> {
  const script = join(packageRoot(), 'dist', 'workers', 'rotor.js');
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...colour, ROTOR_STATE: stateFolder },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input ?? '');
  const said = { output: '', errors: '' };
  const hear = (stream: NodeJS.ReadableStream, into: keyof typeof said): void => {
    stream.on('data', (chunk: Buffer) => {
      const text = chunk.toString('utf8');
      said[into] += text;
      process.stdout.write(indent(text));
    });
  };
  hear(child.stdout, 'output');
  hear(child.stderr, 'errors');
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? 1, ...said }));
  });
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
