/** Tells a process to read its file again: by a signal, or by its unit. Only those that configuration and pid file vouch for. */
import { stat } from 'node:fs/promises';
import { AdapterError } from '../../domain/errors.js';
import { readText, realFile } from '../files.js';
import { tellUnit } from '../../reach/systemctl.js';
import type { Options, Process, Signalled } from './address.js';
import { lookUp, userId } from './running.js';

export interface Telling {
  readonly options: Options;
  readonly signal: AbortSignal | undefined;
}

/** Throws `not-permitted` where the configuration does not allow it. */
export function refuseUnknown(one: Process, options: Options): void {
  if ('pidFile' in one) allowedPidFile(one, options);
  else if (!options.units.includes(one.unit))
    throw new AdapterError('not-permitted', `${one.unit} is not one of the units of rotor.yaml`);
}

/** All of them, also where one of them fails. */
export async function tellAll(processes: readonly Process[], telling: Telling): Promise<void> {
  const failures: unknown[] = [];
  for (const one of processes) await tell(one, telling).catch((error) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function tell(one: Process, telling: Telling): Promise<void> {
  if (telling.signal?.aborted === true)
    throw new AdapterError('timed-out', 'the time to tell a process was over');
  if ('pidFile' in one) return signal(one, telling.options);
  await tellUnit(one.unit, one.action, { ...telling.options, signal: telling.signal });
}

function allowedPidFile({ pidFile }: Signalled, { pidRoots }: Options): string {
  try {
    return realFile(pidFile, { roots: pidRoots });
  } catch {
    throw new AdapterError('not-permitted', `${pidFile} is not below one of the pidRoots`);
  }
}

async function signal(to: Signalled, options: Options): Promise<void> {
  const pid = await readPid(to, options);
  const user = await expectedUser(to);
  const running = await lookUp(pid);
  if (running === undefined)
    throw new AdapterError('unreachable', `the process of ${to.pidFile} does not run`);
  // A pid file that was left behind, or made by somebody else, may name any process.
  if (running.user !== user)
    throw new AdapterError('not-ours', `the process of ${to.pidFile} runs as another user`);
  if (to.command !== undefined && !running.isNamed(to.command))
    throw new AdapterError('not-ours', `the process of ${to.pidFile} is no ${to.command}`);
  send(pid, to);
}

async function readPid(to: Signalled, options: Options): Promise<number> {
  const real = allowedPidFile(to, options);
  const { text } = await readText(real, { roots: options.pidRoots }).catch((error: unknown) => {
    throw ofPidFile(error, to);
  });
  const pid = Number(/^[ \t]*(\d{1,10})[ \t]*\r?(?:\n|$)/.exec(text)?.[1]);
  if (pid > 1 && pid !== process.pid) return pid;
  throw new AdapterError('invalid-destination', `${to.pidFile} does not name a process to signal`);
}

/** Never `unreadable`: that would stand for the file that is written. */
function ofPidFile(error: unknown, { pidFile }: Signalled): unknown {
  if (!(error instanceof AdapterError)) return error;
  if (error.code === 'not-found')
    return new AdapterError('unreachable', `there is no ${pidFile}: its process does not run`);
  if (error.code === 'unreadable')
    return new AdapterError('not-permitted', `rotor may not read ${pidFile}`);
  return error;
}

/** The file's owner, unless it is said: nobody can point rotor at a process that is not their own. */
async function expectedUser({ pidFile, user }: Signalled): Promise<number> {
  const { uid, mode } = await stat(pidFile).catch(() => {
    throw new AdapterError('unreachable', `${pidFile} is gone: its process does not run`);
  });
  if ((mode & 0o022) !== 0)
    throw new AdapterError('not-permitted', `${pidFile} can be written by others (chmod go-w)`);
  const expected = user === undefined ? uid : await userId(user);
  if (uid === 0 || uid === expected || uid === process.getuid?.()) return expected;
  throw new AdapterError('not-permitted', `${pidFile} belongs neither to root nor to that user`);
}

function send(pid: number, to: Signalled): void {
  try {
    process.kill(pid, to.signal);
  } catch (error) {
    const isDenied = (error as NodeJS.ErrnoException).code === 'EPERM';
    throw isDenied
      ? new AdapterError('not-permitted', `rotor may not signal the process of ${to.pidFile}`)
      : new AdapterError('unreachable', `the process of ${to.pidFile} has ended`);
  }
}
