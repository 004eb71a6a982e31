/** A PostgreSQL server of a test's own, for what cannot be done to the shared one: its settings, its log, its end. */
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { serverAccount } from '../../infra/embedded/account.js';
import { cacheFolder, openStateFolder } from '../../infra/embedded/folders.js';
import { postgresBinaries } from '../../infra/embedded/postgres-binaries.js';
import { clusterFolder, ensureCluster, ownerRole } from '../../infra/embedded/postgres-cluster.js';
import { freePort, startPatiently, untilReady } from '../../infra/embedded/readiness.js';
import { removeState } from '../../infra/embedded/state.js';
import { startGuarded } from '../../infra/embedded/watchdog.js';

export interface OwnPostgres {
  readonly url: string;
  /** Of mode 0600, with the URL in it. */
  readonly urlFile: string;
  readonly logFolder: string;
  readonly logFile: string;
  query<R extends pg.QueryResultRow>(text: string): Promise<R[]>;
  /** `ALTER SYSTEM`, and waits until a new session sees it. */
  set(name: string, value: string): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

const settings = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql.log'
log_rotation_age = 0
log_rotation_size = 0
log_connections = on
log_line_prefix = '%m [%p] %u@%d %r %a '
log_timezone = 'UTC'
`;

const password = 'a-password-of-the-tests';

/** Takes about two seconds. */
export async function openPostgres(): Promise<OwnPostgres> {
  const stateFolder = openStateFolder(
    mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`)),
  );
  const account = serverAccount();
  const data = clusterFolder(stateFolder, account);
  const binaries = postgresBinaries(cacheFolder(stateFolder, account));
  await ensureCluster({ binaries, data, stateFolder, account, password });
  appendFileSync(join(data, 'postgresql.conf'), settings);
  const port = await freePort();
  const url = `postgres://${ownerRole}:${password}@127.0.0.1:${String(port)}/postgres`;
  const urlFile = join(stateFolder, 'url');
  writeFileSync(urlFile, url, { mode: 0o600 });
  const output = join(stateFolder, 'output.log');
  const start = () =>
    startPatiently(async () => {
      const server = await startGuarded({
        command: join(binaries, 'bin', 'postgres'),
        args: ['-D', data, '-p', String(port)],
        stopSignal: 'INT',
        account,
        log: output,
      });
      const probe = async (): Promise<void> => void (await ask(url, 'select 1'));
      await untilReady({ name: 'PostgreSQL', server, log: output, probe });
      return server;
    });
  let server = await start();
  const query = <R extends pg.QueryResultRow>(text: string): Promise<R[]> => ask<R>(url, text);
  return {
    url,
    urlFile,
    logFolder: join(data, 'log'),
    logFile: join(data, 'log', 'postgresql.log'),
    query,
    set: async (name, value) => {
      await query(`alter system set ${name} = ${pg.escapeLiteral(value)}`);
      await query('select pg_reload_conf()');
      for (;;) {
        const [now] = await query<{ value: string }>(`select current_setting('${name}') as value`);
        if (now?.value === value) return;
      }
    },
    restart: async () => {
      await server.stop();
      server = await start();
    },
    close: async () => {
      await server.stop();
      removeState(stateFolder);
    },
  };
}

async function ask<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
