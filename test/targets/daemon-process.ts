/** Keeps targets running in the background, and ends when none is left: started by `npm run targets start`. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimFolder } from '../../infra/embedded/claim.js';
import { openStateFolder } from '../../infra/embedded/folders.js';
import { processIdentity } from '../../infra/embedded/process-identity.js';
import { removeLeftovers } from '../harness/leftovers.js';
import { openCoordinator } from './coordinator.js';
import { openPool } from './pool.js';

const prefix = 'rotor-targets-';

const [note = ''] = process.argv.slice(2);
const release = claimFolder(note);
removeLeftovers(prefix);
const folder = openStateFolder(mkdtempSync(join(tmpdir(), `${prefix}${String(process.pid)}-`)));
const pool = openPool(folder);
const coordinator = await openCoordinator(pool, endIfIdle);
writeNote();
// Who started us may have been killed before it asked for anything.
setTimeout(endIfIdle, 30_000).unref();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => void end());

function writeNote(): void {
  const text = JSON.stringify({
    identity: processIdentity(process.pid),
    pid: process.pid,
    url: coordinator.url,
    folder,
  });
  const draft = `${note}.${String(process.pid)}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, note);
}

function endIfIdle(): void {
  if (pool.names().length === 0) void end();
}

async function end(): Promise<void> {
  await coordinator.close();
  rmSync(folder, { recursive: true, force: true });
  rmSync(note, { force: true });
  release();
  process.exit(0);
}
