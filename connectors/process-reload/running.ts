/** What the system says of a process: whose it is, and what it runs. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { AdapterError } from '../../domain/errors.js';
import { runProgram } from '../../reach/program.js';

export interface Running {
  readonly user: number;
  isNamed(command: string): boolean;
}

/** Undefined where no such process runs; a dead one that nobody has waited for does not. */
export async function lookUp(pid: number): Promise<Running | undefined> {
  return existsSync('/proc/self/status') ? fromProc(pid) : fromPs(pid);
}

/** Linux keeps this much of a name. */
const longestName = 15;

async function fromProc(pid: number): Promise<Running | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const field = (name: string): string =>
    new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '';
  if (status === '' || /^[ZX]/.test(field('State'))) return undefined;
  const name = field('Name');
  return {
    user: Number(field('Uid').split('\t')[1]),
    isNamed: (command) => Buffer.from(command).subarray(0, longestName).toString() === name,
  };
}

/** Where there is no /proc. */
async function fromPs(pid: number): Promise<Running | undefined> {
  const { output } = await runProgram({
    executable: '/bin/ps',
    args: ['-o', 'uid=', '-o', 'stat=', '-o', 'comm=', '-p', String(pid)],
    environment: {},
    input: '',
    timeoutMs: 5_000,
    signal: undefined,
  });
  return parsePs(output);
}

export function parsePs(output: string): Running | undefined {
  const found = /^\s*(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(output);
  if (found === null || found[2]?.startsWith('Z') === true) return undefined;
  const [, user, , name = ''] = found;
  return { user: Number(user), isNamed: (command) => basename(name) === command };
}

export async function userId(user: string | number): Promise<number> {
  if (typeof user === 'number') return user;
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const line = users.split('\n').find((one) => one.startsWith(`${user}:`));
  const id = line?.split(':')[2] ?? '';
  if (/^\d+$/.test(id)) return Number(id);
  throw new AdapterError(
    'invalid-destination',
    `there is no user ${user} in /etc/passwd: give the number of the user`,
  );
}
