/** State folders that nobody needs any more. */
import { lstatSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Removes a state folder and the database files that it may link to. */
export function removeState(stateFolder: string): void {
  const data = join(stateFolder, 'postgres');
  if (lstatSync(data, { throwIfNoEntry: false })?.isSymbolicLink()) {
    rmSync(dirname(realpathSync(data)), { recursive: true, force: true });
  }
  rmSync(stateFolder, { recursive: true, force: true });
}
