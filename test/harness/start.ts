/** Jest's global setup: one PostgreSQL and one Temporal for the whole run, and targets on demand; their addresses go to the tests by environment. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startServers } from '../../infra/embedded/servers.js';
import { removeState } from '../../infra/embedded/state.js';
import { openCoordinator } from '../targets/coordinator.js';
import type { TargetName } from '../targets/index.js';
import { openPool, type Pool } from '../targets/pool.js';
import { wantedEarly, type Run } from './early.js';
import { removeLeftovers } from './leftovers.js';
import { running } from './running.js';

const prefix = 'rotor-test-';

async function start(run: Run): Promise<void> {
  const pool = await startAll({ durable: false });
  await leaveUntidy(process.env['ROTOR_TEST_DATABASE_OWNER_URL'] ?? '');
  void startEarly(pool, wantedEarly(run));
}

/** Each test's database is gone before tidying it could help anybody. */
async function leaveUntidy(ownerUrl: string): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  await owner.query('alter system set autovacuum = off');
  await owner.query('select pg_reload_conf()');
  await owner.end();
}

/** A failure is told to the test that asks. */
async function startEarly(pool: Pool, names: readonly TargetName[]): Promise<void> {
  for (const name of names) await pool.ask(name).catch(() => undefined);
}

export async function startAll({ durable }: { readonly durable: boolean }): Promise<Pool> {
  removeLeftovers(prefix);
  const stateFolder = mkdtempSync(join(tmpdir(), `${prefix}${String(process.pid)}-`));
  const servers = await startServers({ stateFolder, durable });
  const pool = openPool(join(stateFolder, 'targets'));
  const coordinator = await openCoordinator(pool);
  running.stop = async () => {
    await Promise.all([servers.stop(), coordinator.close()]);
    removeState(stateFolder);
  };
  process.env['ROTOR_TEST_DATABASE_OWNER_URL'] = servers.databaseOwnerUrl;
  process.env['ROTOR_TEST_DATABASE_URL'] = servers.databaseUrl;
  process.env['ROTOR_TEST_POSTGRES_LOG'] = servers.postgresLog ?? '';
  process.env['ROTOR_TEST_TARGETS'] = coordinator.url;
  process.env['ROTOR_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
  return pool;
}

// The runner asks for a default export.
export { start as default };
