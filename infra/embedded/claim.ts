/** One start per folder: a file beside it names the process that runs its server. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hasCode } from '../error-code.js';
import { processIdentity } from './process-identity.js';

/**
 * Claims a folder for this process; a claim of a dead process is replaced.
 * @returns a function that gives it back
 * @throws where a living process holds it
 */
export function claimFolder(folder: string): () => void {
  const file = `${folder}.claim`;
  const mine = processIdentity(process.pid) ?? String(process.pid);
  for (let tries = 0; tries < 100; tries += 1) {
    if (take(file, mine)) return () => rmSync(file, { force: true });
    const holder = read(file);
    if (holder === undefined) continue;
    const pid = Number(holder.split(' ')[0]);
    if (processIdentity(pid) === holder) {
      throw new Error(
        `${folder} is in use by process ${String(pid)}: end the npm start that it belongs to, or use another state folder`,
      );
    }
    dropIfStill(file, holder);
  }
  throw new Error(`${file} cannot be claimed`);
}

/** Linking a finished file: nobody ever reads a claim without its holder. */
function take(file: string, mine: string): boolean {
  const draft = `${file}.${String(process.pid)}`;
  writeFileSync(draft, mine, { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Two may find the same dead holder: whoever moved away a newer claim puts it back. */
function dropIfStill(file: string, holder: string): void {
  const aside = `${file}.stale.${String(process.pid)}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== holder) linkSync(aside, file);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return undefined;
  }
}
