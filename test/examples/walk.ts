/** An example as somebody walks through it: its README is read, and its commands are typed, in their order. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../../infra/package-root.js';
import { openInstallation, type Installation, type Row } from '../faults/installation.js';

/** What stands in the example, and what it is in the test: addresses, files, names of a server that others use, too. */
export type Substitutions = Readonly<Record<string, string>>;

export interface Walk {
  readonly installation: Installation;
  /** The copy that the README makes. */
  readonly folder: string;
  /** Types all up to this block, which contains the words; without words up to the end. Returns what was printed. */
  until(words?: string, ids?: Substitutions): Promise<string>;
  /** Its id, as it is printed. */
  lastRun(): Promise<string>;
  /** What the program of that line has printed so far. */
  said(line: string): string;
  /** Types a line into the terminal of that program. */
  answer(line: string, text: string): void;
  /** Ctrl-C in every terminal; all that each has printed. */
  stop(): Promise<string[]>;
  close(): Promise<void>;
}

interface Block {
  readonly text: string;
  /** One program a line, each in a terminal of its own. */
  readonly isTerminals: boolean;
}

export interface Walker {
  readonly substitutions: Substitutions;
  /** What the machine of the person has, beside what tests have. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Up to where rotor runs with what the example adds to its configuration. */
export async function openWalk(
  name: string,
  { substitutions, environment = {} }: Walker,
): Promise<Walk> {
  const installation = await openInstallation();
  const desk = deskOf(installation.folder, environment);
  const { home, terminals } = desk;
  const blocks = blocksOf(readFileSync(join(packageRoot(), 'examples', name, 'README.md'), 'utf8'));
  const folder = join(home, name);
  try {
    lay(home, name, substitutions);
    await type(desk, blocks.shift()?.text ?? '');
    await startWith(installation, join(folder, 'rotor.yaml'));
  } catch (error) {
    await installation.close();
    throw error;
  }
  const take = async ({ text, isTerminals }: Block, ids: Substitutions): Promise<string> => {
    const typed = substituted(text, { ...substitutions, ...ids });
    if (!isTerminals) return type(desk, typed);
    for (const line of typed.trim().split('\n')) openTerminal(desk, line);
    return '';
  };
  return {
    installation,
    folder,
    until: async (words, ids = {}) => {
      let said = '';
      for (;;) {
        const block = blocks.shift();
        if (block === undefined) {
          if (words !== undefined) throw new Error(`no block of the README says "${words}"`);
          return said;
        }
        said += await take(block, ids);
        if (words !== undefined && block.text.includes(words)) return said;
      }
    },
    lastRun: async () => {
      const [last] = await installation.api.get<Row[]>('/v1/runs');
      return String(last?.['run']).slice(0, 8);
    },
    said: (line) => terminalOf(terminals, line).said.join(''),
    answer: (line, text) => {
      terminalOf(terminals, line).child.stdin?.write(`${text}\n`);
    },
    stop: () => stopAll(terminals),
    close: async () => {
      await stopAll(terminals);
      await installation.close();
    },
  };
}

function blocksOf(readme: string): Block[] {
  return [...readme.matchAll(/```sh( terminals)?\n([\s\S]*?)```/g)].map(
    ([, terminals, text = '']) => ({ text, isTerminals: terminals !== undefined }),
  );
}

/** A checkout's folder, as far as the example uses it: its own state is `.rotor`. */
function lay(home: string, name: string, substitutions: Substitutions): void {
  const root = packageRoot();
  const place = join(home, 'examples', name);
  cpSync(join(root, 'examples', name), place, { recursive: true });
  const left = new Set(Object.keys(substitutions));
  for (const file of readdirSync(place)) {
    const text = readFileSync(join(place, file), 'utf8');
    for (const word of left) if (text.includes(word)) left.delete(word);
    writeFileSync(join(place, file), substituted(text, substitutions));
  }
  if (left.size > 0) throw new Error(`not in the example: ${[...left].join(', ')}`);
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  symlinkSync('.', join(home, '.rotor'));
  mkdirSync(join(home, 'bin'));
  const script = join(root, 'dist', 'workers', 'rotor.js');
  const command = `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`;
  writeFileSync(join(home, 'bin', 'rotor'), command, { mode: 0o755 });
}

function substituted(text: string, substitutions: Substitutions): string {
  return Object.entries(substitutions).reduce(
    (changed, [word, other]) => changed.replaceAll(word, other),
    text,
  );
}

async function startWith(installation: Installation, added: string): Promise<void> {
  mergeConfiguration(installation.folder, added);
  installation.start('api');
  installation.start('worker');
  await installation.ready();
}

/** As a person does it with an editor. */
function mergeConfiguration(home: string, added: string): void {
  const file = join(home, 'rotor.yaml');
  const before = parse(readFileSync(file, 'utf8')) as Record<string, Row>;
  const more = parse(readFileSync(added, 'utf8')) as Record<string, Row>;
  const merged = Object.entries(more).map(([key, value]) => [key, { ...before[key], ...value }]);
  const whole = { ...before, ...(Object.fromEntries(merged) as Row) };
  writeFileSync(file, stringify(whole), { mode: 0o600 });
}

interface Terminal {
  readonly line: string;
  readonly child: ChildProcess;
  readonly said: string[];
}

interface Desk {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly terminals: Terminal[];
}

function deskOf(home: string, more: Readonly<Record<string, string>>): Desk {
  const { FORCE_COLOR: _colour, ...environment } = process.env;
  const env = { ...environment, NO_COLOR: '1', ROTOR_STATE: home, ...more };
  return { home, env, terminals: [] };
}

/** Whoever waits for what never comes is told what was typed, and what was printed by then. */
const longestMs = 60_000;

async function type({ home, env }: Desk, text: string): Promise<string> {
  const child = spawn('sh', ['-ec', text], { cwd: home, env, detached: true });
  child.stdin.end();
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString('utf8')));
  const tooLate = setTimeout(() => process.kill(-Number(child.pid), 'SIGKILL'), longestMs);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(tooLate);
  if (code === 0) return said.out;
  throw new Error(`${String(code ?? 'not done in time')}\n${text}\n${said.out}\n${said.err}`);
}

/** In a group of its own, as a terminal makes one: Ctrl-C reaches the program, whoever started it. */
function openTerminal({ home, env, terminals }: Desk, line: string): void {
  const child = spawn('sh', ['-c', line], { cwd: home, env, detached: true });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => said.push(chunk.toString('utf8')));
  terminals.push({ line, child, said });
}

function terminalOf(terminals: readonly Terminal[], wanted: string): Terminal {
  const found = terminals.find(({ line }) => line.includes(wanted));
  if (found === undefined) throw new Error(`no terminal runs ${wanted}`);
  return found;
}

async function stopAll(terminals: Terminal[]): Promise<string[]> {
  const last = terminals.splice(0).map(async ({ child, said }) => {
    if (child.exitCode === null && child.pid !== undefined) {
      const closed = once(child, 'close');
      process.kill(-child.pid, 'SIGINT');
      await closed;
    }
    return said.join('').trim();
  });
  return Promise.all(last);
}
