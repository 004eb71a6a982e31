/** The background process that keeps targets: found by its note, or started. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { holdsWithin } from '../../infra/embedded/orphan.js';
import { processIdentity } from '../../infra/embedded/process-identity.js';
import { hasCode } from '../../infra/error-code.js';
import { packageRoot } from '../../infra/package-root.js';

export interface Daemon {
  readonly identity: string;
  readonly pid: number;
  /** Of its coordinator. */
  readonly url: string;
  readonly folder: string;
}

/** Undefined where none lives. */
export function findDaemon(note: string): Daemon | undefined {
  try {
    const daemon = JSON.parse(readFileSync(note, 'utf8')) as Daemon;
    return isGone(daemon) ? undefined : daemon;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** One that is there already is taken; two that are started at once agree on the one that claims the note. */
export async function ensureDaemon(note: string): Promise<Daemon> {
  const known = findDaemon(note);
  if (known) return known;
  mkdirSync(dirname(note), { recursive: true });
  const log = openSync(`${note}.log`, 'w', 0o600);
  const script = join(packageRoot(), 'dist', 'test', 'targets', 'daemon-process.js');
  spawn(process.execPath, [script, note], {
    detached: true,
    stdio: ['ignore', 'ignore', log],
  }).unref();
  closeSync(log);
  let found: Daemon | undefined;
  await holdsWithin(20_000, () => (found = findDaemon(note)) !== undefined);
  if (found) return found;
  throw new Error(`the background process did not start: see ${note}.log`);
}

export async function untilGone(daemon: Daemon): Promise<void> {
  if (await holdsWithin(30_000, () => isGone(daemon))) return;
  throw new Error(`process ${String(daemon.pid)} does not end: kill it`);
}

function isGone({ identity, pid }: Daemon): boolean {
  return processIdentity(pid) !== identity;
}
