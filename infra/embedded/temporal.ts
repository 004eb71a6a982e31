/** The embedded Temporal server: the CLI's development server, tuned, with its database below the state folder. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { claimFolder } from './claim.js';
import { cacheFolder } from './folders.js';
import { endOrphan, noteServer } from './orphan.js';
import { freePort, startPatiently, untilReady } from './readiness.js';
import { temporalBinary } from './temporal-binary.js';
import { startGuarded, type Guarded } from './watchdog.js';

export interface EmbeddedTemporal {
  readonly address: string;
  readonly uiUrl?: string;
  stop(): Promise<void>;
}

export interface TemporalOptions {
  readonly stateFolder: string;
  /** False trades safety against a loss of power for speed; a killed process loses nothing either way. */
  readonly durable: boolean;
  readonly ui: boolean;
}

/** Queue reads and request rates are raised, and activities start eagerly: the defaults cost 30 ms a step. */
const dynamicConfig = {
  'frontend.rps': 20_000,
  'frontend.namespaceRPS': 20_000,
  'frontend.namespaceCount': 10_000,
  'history.rps': 20_000,
  'matching.rps': 20_000,
  'matching.numTaskqueueWritePartitions': 1,
  'matching.numTaskqueueReadPartitions': 1,
  'system.enableActivityEagerExecution': true,
  'history.transferProcessorMaxPollRPS': 500,
  'history.timerProcessorMaxPollRPS': 200,
};

interface Site {
  readonly binary: string;
  readonly folder: string;
  readonly log: string;
  readonly options: TemporalOptions;
}

/** Starts Temporal and resolves when it answers; throws where another living process uses the state folder. */
export async function startTemporal(options: TemporalOptions): Promise<EmbeddedTemporal> {
  const { stateFolder } = options;
  const cache = cacheFolder(stateFolder, undefined);
  const binary = await temporalBinary({ cache, path: process.env['PATH'] ?? '' });
  const folder = join(stateFolder, 'temporal');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const release = claimFolder(folder);
  try {
    await endOrphan(folder, 'SIGTERM');
    const site: Site = { binary, folder, log: join(stateFolder, 'temporal.log'), options };
    const { server, address, uiUrl } = await startPatiently(() => serve(site));
    const stop = async (): Promise<void> => {
      await server.stop();
      release();
    };
    return { address, ...(uiUrl !== undefined && { uiUrl }), stop };
  } catch (error) {
    release();
    throw error;
  }
}

interface Serving {
  readonly server: Guarded;
  readonly address: string;
  readonly uiUrl: string | undefined;
}

async function serve(site: Site): Promise<Serving> {
  const port = await freePort();
  const uiPort = site.options.ui ? await freePort() : undefined;
  const server = await startGuarded({
    command: site.binary,
    args: flags(site, port, uiPort),
    stopSignal: 'TERM',
    account: undefined,
    log: site.log,
  });
  noteServer(site.folder, server.pid);
  const address = `127.0.0.1:${String(port)}`;
  await untilReady({ name: 'Temporal', server, log: site.log, probe: () => answers(port) });
  return {
    server,
    address,
    uiUrl: uiPort === undefined ? undefined : `http://127.0.0.1:${String(uiPort)}`,
  };
}

function flags({ folder, options }: Site, port: number, uiPort: number | undefined): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    ...(uiPort === undefined
      ? ['--headless']
      : ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)]),
    ...['--db-filename', join(folder, 'temporal.db')],
    ...['--sqlite-pragma', 'journal_mode=WAL'],
    ...['--sqlite-pragma', `synchronous=${options.durable ? 'NORMAL' : 'OFF'}`],
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${String(value)}`,
    ]),
  ];
}

/** A connection of the client's that fails waits a second before its next try: so the port is asked first. */
async function answers(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
  const connection = await Connection.connect({
    address: `127.0.0.1:${String(port)}`,
    connectTimeout: 5_000,
  });
  try {
    await connection.workflowService.describeNamespace({ namespace: 'default' });
  } finally {
    await connection.close();
  }
}
