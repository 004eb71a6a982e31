/** A server that outlived its starter and its watchdog is found again by a note beside its folder, and stopped. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processIdentity } from './process-identity.js';

/** Notes which process serves the folder. */
export function noteServer(folder: string, pid: number | undefined): void {
  const identity = pid === undefined ? undefined : processIdentity(pid);
  if (identity !== undefined) writeFileSync(`${folder}.server`, identity, { mode: 0o600 });
}

/**
 * Resolves when no server of an earlier start uses the folder. Its watchdog stops it within 3 s; where that died too, we do.
 * Only the holder of the folder's claim may call this.
 */
export async function endOrphan(folder: string, stopSignal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  const orphan = noted(folder);
  if (orphan === undefined) return;
  const isGone = (): boolean => processIdentity(orphan.pid) !== orphan.identity;
  if (await holdsWithin(4_000, isGone)) return;
  process.kill(orphan.pid, stopSignal);
  if (await holdsWithin(3_000, isGone)) return;
  process.kill(orphan.pid, 'SIGKILL');
  if (await holdsWithin(3_000, isGone)) return;
  throw new Error(
    `process ${String(orphan.pid)} of an earlier start still uses ${folder} and cannot be stopped`,
  );
}

function noted(folder: string): { pid: number; identity: string } | undefined {
  try {
    const identity = readFileSync(`${folder}.server`, 'utf8');
    return { pid: Number(identity.split(' ')[0]), identity };
  } catch {
    return undefined;
  }
}

/** False where the condition does not come to hold in time. */
export async function holdsWithin(
  milliseconds: number,
  condition: () => boolean,
): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}
