/** The process that holds the embedded servers: says where they are, ends when one of them dies. */
import { connect } from 'node:net';
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { startServers, type Servers, type ServersOptions } from '../../infra/embedded/servers.js';
import { endWithParent, onSignals, runMain } from '../child.js';
import { readSettings, type Settings } from '../settings.js';
import { serversFile } from './told.js';

const lookEveryMs = 500;

await runMain(async () => {
  const [stateFolder = '.rotor'] = process.argv.slice(2);
  const given = theUsers(readSettings(process.env));
  const servers = await startServers({
    ...given,
    stateFolder,
    durable: true,
    ui: true,
  });
  tell(serversFile(stateFolder), servers);
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  onSignals(stop);
  endWithParent(stop);
  const ours = embeddedOf(servers, given);
  while (!stopped && (await answer(ours))) await pause(lookEveryMs);
  await servers.stop();
  if (!stopped) throw new Error('an embedded server ended');
});

type Given = Pick<ServersOptions, 'databaseUrl' | 'databaseOwnerUrl' | 'temporal' | 'namespace'>;

/** Servers of the user's own switch the embedded ones off. */
function theUsers({ databaseUrl, databaseOwnerUrl, temporal, namespace }: Settings): Given {
  return {
    namespace,
    ...(databaseUrl !== undefined && { databaseUrl: databaseUrl.reveal() }),
    ...(databaseOwnerUrl !== undefined && { databaseOwnerUrl: databaseOwnerUrl.reveal() }),
    ...(temporal !== undefined && { temporal }),
  };
}

/** Whom to watch: the user's own servers come back without us. */
function embeddedOf(servers: Servers, given: Given): URL[] {
  return [
    ...(given.databaseUrl === undefined ? [new URL(servers.databaseUrl)] : []),
    ...(given.temporal === undefined ? [new URL(`tcp://${servers.temporalAddress}`)] : []),
  ];
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

async function answer(servers: readonly URL[]): Promise<boolean> {
  return (await Promise.all(servers.map(listens))).every((one) => one);
}

function listens({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 3_000 });
    const done = (fine: boolean): void => {
      socket.destroy();
      resolve(fine);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}
