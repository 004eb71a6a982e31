/** Jest's global setup: one PostgreSQL and one Temporal for the whole run, and targets on demand; their addresses go to the tests by environment. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '../../infra/error-code.js';
import { startServers } from '../../infra/embedded/servers.js';
import { removeState } from '../../infra/embedded/state.js';
import { openCoordinator } from '../targets/coordinator.js';
import { openPool } from '../targets/pool.js';
import { running } from './running.js';

const prefix = 'rotor-test-';

/** Removes what runs that were killed left behind: the process id is a part of the name. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeState(join(tmpdir(), name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

async function start(): Promise<void> {
  removeLeftovers();
  const stateFolder = mkdtempSync(join(tmpdir(), `${prefix}${String(process.pid)}-`));
  const servers = await startServers({ stateFolder, durable: false });
  const coordinator = await openCoordinator(openPool(join(stateFolder, 'targets')));
  running.stop = async () => {
    await Promise.all([servers.stop(), coordinator.close()]);
    removeState(stateFolder);
  };
  process.env['ROTOR_TEST_DATABASE_OWNER_URL'] = servers.databaseOwnerUrl;
  process.env['ROTOR_TEST_DATABASE_URL'] = servers.databaseUrl;
  process.env['ROTOR_TEST_POSTGRES_LOG'] = servers.postgresLog ?? '';
  process.env['ROTOR_TEST_TARGETS'] = coordinator.url;
  process.env['ROTOR_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
}

// The runner asks for a default export.
export { start as default };
