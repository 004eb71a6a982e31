/** What runs that were killed left in the folder for temporary files: the process id is a part of the name. */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processIdentity } from '../../infra/embedded/process-identity.js';
import { removeState } from '../../infra/embedded/state.js';

/** A dead process that nobody reaped is dead all the same. */
export function removeLeftovers(prefix: string): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && processIdentity(Number(pid)) === undefined)
      removeState(join(tmpdir(), name));
  }
}
