/** Servers started by a process of their own, so that a test can kill it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from '../../infra/embedded/account.js';
import { processIdentity } from '../../infra/embedded/process-identity.js';
import type { Servers } from '../../infra/embedded/servers.js';
import { packageRoot } from '../../infra/package-root.js';

export interface Started extends Omit<Servers, 'stop'> {
  readonly process: ChildProcess;
  readonly milliseconds: number;
  /** The two server processes. */
  readonly serverIds: readonly number[];
}

export interface StarterOptions {
  readonly account?: Account;
  readonly environment?: Readonly<Record<string, string>>;
  readonly durable?: boolean;
}

/** Rejects with what the process printed where it ends before its servers are ready. */
export async function startInProcess(
  stateFolder: string,
  options: StarterOptions = {},
): Promise<Started> {
  const script = join(packageRoot(), 'dist', 'test', 'infra', 'starter-process.js');
  const child = spawn(process.execPath, [script, stateFolder, String(options.durable ?? true)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...options.environment },
    ...options.account,
  });
  let output = '';
  let errors = '';
  child.stderr.on('data', (text) => (errors += String(text)));
  for await (const text of child.stdout) {
    output += String(text);
    if (output.endsWith('\n')) break;
  }
  if (!output.endsWith('\n')) throw new Error(errors);
  const servers = JSON.parse(output) as Omit<Servers, 'stop'> & { milliseconds: number };
  return { ...servers, process: child, serverIds: serverIds(stateFolder) };
}

/** Resolves when the process and its servers are gone. */
export async function stopInProcess({ process: child }: Started): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

export async function killStarter({ process: child }: Started): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

export function isRunning(pid: number): boolean {
  return processIdentity(pid) !== undefined;
}

function serverIds(stateFolder: string): number[] {
  return ['postgres', 'temporal'].map((name) => {
    const folder = realpathSync(join(stateFolder, name));
    return Number(readFileSync(`${folder}.server`, 'utf8').split(' ')[0]);
  });
}

/** The watchdog of a server: its parent, and the parent's other children. */
export function watchdogIds(serverId: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const parent = pairs.find(([pid]) => pid === serverId)?.[1];
  const others = pairs.filter(([pid, ppid]) => ppid === parent && pid !== serverId);
  return [...others.flatMap(([pid]) => pid ?? []), ...(parent === undefined ? [] : [parent])];
}
