/** Runs a program of the configuration: no shell, nothing of rotor's environment, bounded in time and output. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { AdapterError } from '../domain/errors.js';

export const Executable = z.string().refine(isAbsolute, 'expected the absolute path of a program');

export interface Program {
  readonly executable: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly input: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface Ended {
  /** Undefined where a signal ended it. */
  readonly exitCode: number | undefined;
  readonly output: string;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

const largestOutput = 64 * 1024;
/** Who was asked to end has this long, and so has output that somebody else still holds open. */
const graceMs = 2_000;
const searched = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * What it says on its standard error is not read: it could hold a value. Throws `not-found` or `not-permitted` where
 * it cannot be started, `timed-out` where it was ended, `bad-reply` where it says too much.
 */
export async function runProgram(program: Program): Promise<Ended> {
  const { executable, timeoutMs } = program;
  await checkProgram(executable);
  const limit = AbortSignal.timeout(timeoutMs);
  const signal = program.signal === undefined ? limit : AbortSignal.any([limit, program.signal]);
  if (signal.aborted) throw new AdapterError('timed-out', `the time for ${executable} was over`);
  const child = await start(program);
  child.stdin.end(program.input);
  return watch(child, executable, signal);
}

/** Without starting it. Whoever may write a program would be given what it is given. */
export async function checkProgram(executable: string): Promise<void> {
  const found = await realpath(executable)
    .then((real) => stat(real))
    .catch(() => undefined);
  if (found === undefined) throw new AdapterError('not-found', `there is no ${executable}`);
  const isOwn = found.uid === 0 || found.uid === process.getuid?.();
  if (!found.isFile() || !isOwn || (found.mode & 0o022) !== 0)
    throw new AdapterError(
      'not-permitted',
      `${executable} has to be a file of root or of rotor's user that nobody else may write`,
    );
  await access(executable, constants.X_OK).catch(() => {
    throw notStarted(executable);
  });
}

function notStarted(executable: string): AdapterError {
  return new AdapterError('not-permitted', `${executable} cannot be started`);
}

function start({ executable, args, environment }: Program): Promise<Child> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(notStarted(executable));
    try {
      const child = spawn(executable, args, {
        cwd: '/',
        // A group of its own, so that what it starts ends with it.
        detached: true,
        env: { PATH: searched, ...environment },
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      child.once('error', fail);
      child.once('spawn', () => {
        // Who does not read what it is given says so by its exit code.
        child.stdin.on('error', () => undefined);
        resolve(child);
      });
    } catch {
      fail();
    }
  });
}

function watch(child: Child, executable: string, signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let failure: AdapterError | undefined;
    let patience: NodeJS.Timeout | undefined;
    const begin = (): void => {
      patience ??= setTimeout(() => {
        killGroup(child, 'SIGKILL');
        child.stdout.destroy();
      }, graceMs);
    };
    const stop = (because: AdapterError): void => {
      failure ??= because;
      killGroup(child, 'SIGTERM');
      begin();
    };
    const onAbort = (): void =>
      stop(new AdapterError('timed-out', `${executable} did not end in time`));
    const output = collect(child.stdout, () =>
      stop(new AdapterError('bad-reply', `${executable} says more than 64 KiB`)),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    child.on('exit', () => {
      // What it left running in its group would go on with the value.
      killGroup(child, 'SIGKILL');
      begin();
    });
    child.on('close', (exitCode) => {
      clearTimeout(patience);
      signal.removeEventListener('abort', onAbort);
      if (failure !== undefined) reject(failure);
      else resolve({ exitCode: exitCode ?? undefined, output: output() });
    });
  });
}

function collect(stream: Readable, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= largestOutput) chunks.push(chunk);
    else onTooMuch();
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function killGroup({ pid }: Child, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody of it is left.
  }
}
