/** The embedded PostgreSQL: one cluster below the state folder, on loopback and a free port. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { serverAccount, type Account } from './account.js';
import { claimFolder } from './claim.js';
import { cacheFolder } from './folders.js';
import { endOrphan, noteServer } from './orphan.js';
import { passwordIn } from './password.js';
import { postgresBinaries } from './postgres-binaries.js';
import { clusterFolder, ensureCluster, ownerRole } from './postgres-cluster.js';
import { freePort, startPatiently, untilReady } from './readiness.js';
import { clearStalePostmaster } from './stale-postmaster.js';
import { startGuarded, type Guarded } from './watchdog.js';

export interface EmbeddedPostgres {
  readonly port: number;
  readonly ownerUrl: string;
  /** The server's log: connections, refusals and errors, one line each. */
  readonly log: string;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  readonly stateFolder: string;
  /** False trades safety against a loss of power for speed; a killed process loses nothing either way. */
  readonly durable: boolean;
}

const database = 'rotor';

const always = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  log_connections: 'on',
  log_disconnections: 'on',
  log_line_prefix: '%m [%p] %u@%d %r %a ',
  log_timezone: 'UTC',
  logging_collector: 'off',
  log_destination: 'stderr',
};

const hasty = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

interface Site {
  readonly binaries: string;
  readonly data: string;
  readonly account: Account | undefined;
  readonly log: string;
  readonly password: string;
  readonly durable: boolean;
}

/** Starts PostgreSQL and resolves when the database answers; throws where another living process uses the state folder. */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { stateFolder, durable } = options;
  const account = serverAccount();
  const data = clusterFolder(stateFolder, account);
  const release = claimFolder(data);
  try {
    await endOrphan(data, 'SIGINT');
    const site: Site = {
      binaries: postgresBinaries(cacheFolder(stateFolder, account)),
      data,
      account,
      log: join(stateFolder, 'postgres.log'),
      password: ownerPassword(stateFolder, data),
      durable,
    };
    await ensureCluster({ ...site, stateFolder });
    await clearStalePostmaster(data);
    const { port, server } = await startPatiently(() => serve(site));
    const stop = async (): Promise<void> => {
      await server.stop();
      release();
    };
    return { port, ownerUrl: urlOf(site.password, port, database), log: site.log, stop };
  } catch (error) {
    release();
    throw error;
  }
}

function ownerPassword(stateFolder: string, data: string): string {
  const file = join(stateFolder, 'postgres-owner-password');
  if (existsSync(data) && !existsSync(file)) {
    throw new Error(`${file} is missing, and without it nobody can use the database in ${data}`);
  }
  return passwordIn(file);
}

async function serve(site: Site): Promise<{ port: number; server: Guarded }> {
  const port = await freePort();
  const settings = { ...always, ...(site.durable ? {} : hasty), port: String(port) };
  const server = await startGuarded({
    command: join(site.binaries, 'bin', 'postgres'),
    args: [
      '-D',
      site.data,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    stopSignal: 'INT',
    account: site.account,
    log: site.log,
  });
  noteServer(site.data, server.pid);
  const probe = (): Promise<void> => ensureDatabase(urlOf(site.password, port, 'postgres'));
  await untilReady({ name: 'PostgreSQL', server, log: site.log, probe });
  return { port, server };
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query('select from pg_database where datname = $1', [
      database,
    ]);
    if (rowCount === 0) await client.query(`create database ${database}`);
  } finally {
    await client.end();
  }
}

function urlOf(password: string, port: number, name: string): string {
  return `postgres://${ownerRole}:${password}@127.0.0.1:${String(port)}/${name}`;
}
