/** After a kill, the number in postmaster.pid may belong to a stranger, or to a dead process that nobody reaped: PostgreSQL would then refuse to start. */
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { holdsWithin } from './orphan.js';

/**
 * Removes a postmaster.pid that no process stands behind. Each process of a server works in the data folder, left-over
 * backends included, so while one does the file stays: two servers on the same files would destroy them.
 * Where the system does not tell working folders, PostgreSQL's own check decides.
 */
export async function clearStalePostmaster(data: string): Promise<void> {
  const folder = realpathSync(data);
  const isUnused = (): boolean => !workingFolders().includes(folder);
  if (!tellsWorkingFolders()) return;
  if (await holdsWithin(5_000, isUnused)) rmSync(join(data, 'postmaster.pid'), { force: true });
}

function tellsWorkingFolders(): boolean {
  try {
    return readFileSync('/proc/self/stat', 'utf8').startsWith(String(process.pid));
  } catch {
    return false;
  }
}

function workingFolders(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readlinkSync(`/proc/${pid}/cwd`)];
      } catch {
        // Gone meanwhile, dead and not reaped, or another account's: the server would be ours.
        return [];
      }
    });
}
