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
  /** Whoever holds another token. */
  as(person: string, token: string): Cli;
}

export function openCli(stateFolder: string): Cli {
  return cliWith({ ROTOR_STATE: stateFolder }, '');
}

function cliWith(environment: Readonly<Record<string, string>>, prompt: string): Cli {
  return {
    run: async (args, input) => {
      const command = colors.bold(`rotor ${args.map(shorten).join(' ')}`);
      console.log(`\n${colors.dim(`${prompt}$`)} ${command}`);
      return call(environment, args, input);
    },
    as: (person, token) => cliWith({ ...environment, ROTOR_TOKEN: token }, `${person} `),
  };
}

/** The run that a command asked for. */
export function runIn({ output }: Said): string {
  return /run ([0-9a-f-]{36})/.exec(output)?.[1] ?? '';
}

function shorten(argument: string): string {
  const name = argument.startsWith('/') ? (argument.split('/').at(-1) ?? '') : argument;
  return name.includes(' ') ? JSON.stringify(name) : name;
}

function call(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
  input?: string,
): Promise<Said> {
  const script = join(packageRoot(), 'dist', 'workers', 'rotor.js');
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...colour, ...environment },
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
