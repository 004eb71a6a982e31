/** The process that holds the embedded servers: says where they are, ends when one of them dies. */
import { connect } from 'node:net';
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { startServers, type Servers } from '../../infra/embedded/servers.js';
import { endWithParent, onSignals, runMain } from '../child.js';

const lookEveryMs = 500;

await runMain(async () => {
  const [stateFolder = '.rotor'] = process.argv.slice(2);
  const servers = await startServers({
    ...given(process.env),
    stateFolder,
    durable: true,
    ui: true,
  });
  tell(join(stateFolder, 'servers.json'), servers);
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  onSignals(stop);
  endWithParent(stop);
  while (!stopped && (await answer(servers))) await pause(lookEveryMs);
  await servers.stop();
  if (!stopped) throw new Error('an embedded server ended');
});

type Given = Partial<
  Record<'databaseUrl' | 'databaseOwnerUrl' | 'temporalAddress' | 'namespace', string>
>;

/** Servers of the user's own switch the embedded ones off. */
function given(environment: NodeJS.ProcessEnv): Given {
  const names = {
    databaseUrl: environment['DATABASE_URL'],
    databaseOwnerUrl: environment['DATABASE_OWNER_URL'],
    temporalAddress: environment['TEMPORAL_ADDRESS'],
    namespace: environment['TEMPORAL_NAMESPACE'],
  };
  return Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined));
}

function tell(file: string, servers: Servers): void {
  const { databaseUrl, databaseOwnerUrl, temporalAddress, temporalUiUrl, postgresLog } = servers;
  const text = JSON.stringify({
    pid: process.pid,
    databaseUrl,
    databaseOwnerUrl,
    temporalAddress,
    temporalUiUrl,
    postgresLog,
  });
  writeFileSync(`${file}.next`, text, { mode: 0o600 });
  renameSync(`${file}.next`, file);
}

async function answer({ databaseUrl, temporalAddress }: Servers): Promise<boolean> {
  const database = new URL(databaseUrl);
  const temporal = new URL(`tcp://${temporalAddress}`);
  const both = await Promise.all([listens(database), listens(temporal)]);
  return both.every((one) => one);
}

function listens({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 5432), timeout: 3_000 });
    const done = (fine: boolean): void => {
      socket.destroy();
      resolve(fine);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}
