/** A whole installation on one machine: servers, worker and API as processes of their own, each started again when it dies. */
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { RotorError } from '../../domain/errors.js';
import { packageRoot } from '../../infra/package-root.js';
import { firstToken } from './first-token.js';
import { readSettings, type Settings } from '../settings.js';
import { prepareState, tellApi, type FirstStart } from './first-start.js';
import { readTold, serversFile, type ServersTold } from './told.js';
import { supervise, type Program, type Supervised } from './supervised.js';

export interface Stack {
  readonly url: string;
  readonly tokenFile: string;
  readonly temporalUiUrl: string | undefined;
  readonly temporalAddress: string;
  readonly databaseOwnerUrl: string;
  workerPid(): number | undefined;
  stop(): Promise<void>;
}

export interface StackOptions extends FirstStart {
  readonly stateFolder: string;
  /** Told in one line when a process died and is started again. */
  readonly tell: (line: string) => void;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const { stateFolder } = options;
  await prepareState(stateFolder, options);
  const { configuration, keyFile } = settingsOf(options);
  const { api } = configuration;
  const programs: { restart(): void }[] = [];
  const servers = await startServerProcess(options, () => {
    // They may have other ports now: who used the old ones starts anew.
    for (const program of programs) program.restart();
  });
  const { databaseUrl } = servers.told();
  const tokenFile = await firstToken({ stateFolder, keyFile, databaseUrl });
  const url = tellApi(stateFolder, { api, tokenFile });
  const workers = startPrograms(options, servers);
  programs.push(workers.worker, workers.api);
  await untilReady(url, stateFolder);
  const { temporalUiUrl, temporalAddress, databaseOwnerUrl } = servers.told();
  return {
    url,
    tokenFile,
    temporalUiUrl,
    temporalAddress,
    databaseOwnerUrl,
    workerPid: () => workers.worker.pid(),
    stop: async () => {
      // An interrupt at the terminal reaches all of them at once.
      for (const one of [workers.worker, workers.api, servers.process]) one.mayEnd();
      await Promise.all([workers.worker.stop(), workers.api.stop()]);
      await servers.process.stop();
      rmSync(join(stateFolder, 'api.json'), { force: true });
    },
  };
}

interface ServerProcess {
  readonly process: Supervised;
  told(): ServersTold;
}

async function startServerProcess(options: StackOptions, back: () => void): Promise<ServerProcess> {
  const { stateFolder, tell } = options;
  const file = serversFile(stateFolder);
  let failed = false;
  let ready = false;
  const program = programOf(options, { name: 'servers', script: 'stack/servers.js' });
  const process = supervise({ ...program, args: [stateFolder] }, (name) => {
    failed = true;
    if (!ready) return;
    tell(`${name} ended and is started again`);
    // Until they are back, the old answer stays: whoever starts meanwhile is started once more.
    void untilOthersTold(told).then(back);
  });
  const told = lastTold(file);
  // The file of another installation that is at work here is not ours to read, nor to remove.
  while (!failed && told()?.pid !== process.pid()) await pause(20);
  ready = true;
  const known = (): ServersTold => told() ?? missing(file);
  if (!failed) return { process, told: known };
  await process.stop();
  const log = join(stateFolder, 'log', 'servers.log');
  throw new RotorError('servers-failed', lastLines(log), { kind: 'failed', hint: log });
}

/** What the servers said last; once read, it is known even where the file is gone. */
function lastTold(file: string): () => ServersTold | undefined {
  let last: ServersTold | undefined;
  return () => {
    last = readTold(file) ?? last;
    return last;
  };
}

function missing(file: string): never {
  throw new RotorError('servers-failed', `${file} is missing`, { kind: 'failed' });
}

async function untilOthersTold(told: () => ServersTold | undefined): Promise<void> {
  const pid = told()?.pid;
  while (told()?.pid === pid) await pause(50);
}

function lastLines(file: string, count = 5): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-count).join('\n');
}

interface Script {
  readonly name: string;
  readonly script: string;
}

function programOf({ stateFolder, environment }: StackOptions, { name, script }: Script): Program {
  return {
    name,
    script: join(packageRoot(), 'dist', 'workers', script),
    logFile: join(stateFolder, 'log', `${name}.log`),
    environment: { ...environment, ...place(stateFolder) },
  };
}

function place(stateFolder: string): Readonly<Record<string, string>> {
  return { ROTOR_STATE: stateFolder, ROTOR_CONFIG: join(stateFolder, 'rotor.yaml') };
}

/** Read here too: a mistake in rotor.yaml is told before anything starts. */
function settingsOf({ stateFolder, environment }: StackOptions): Settings {
  return readSettings({ ...process.env, ...environment, ...place(stateFolder) });
}

/** Where the servers are is read at each start: started again, they have other ports. */
function startPrograms(
  options: StackOptions,
  servers: ServerProcess,
): { worker: Supervised; api: Supervised } {
  const start = (name: 'worker' | 'api'): Supervised => {
    const program = programOf(options, { name, script: `${name}.js` });
    const withServers = {
      ...program,
      get environment() {
        const { databaseUrl, temporalAddress } = servers.told();
        return {
          ...program.environment,
          DATABASE_URL: databaseUrl,
          TEMPORAL_ADDRESS: temporalAddress,
        };
      },
    };
    return supervise(withServers, (who) => options.tell(endedText(who, program.logFile)));
  };
  return { worker: start('worker'), api: start('api') };
}

/** A program that ends by itself says why in its last lines; one that is killed says nothing. */
function endedText(who: string, logFile: string): string {
  const why = lastLines(logFile)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'));
  const told = why.length === 0 ? '' : `\n  ${why.join('\n  ')}`;
  return `${who} ended and is started again${told}`;
}

const readyWithinMs = 30_000;

async function untilReady(url: string, stateFolder: string): Promise<void> {
  const stop = Date.now() + readyWithinMs;
  while (Date.now() < stop) {
    if (await isReady(url, stateFolder)) return;
    await pause(50);
  }
  throw new RotorError('not-ready', 'worker or API did not become ready', {
    kind: 'failed',
    hint: `their logs are in ${join(stateFolder, 'log')}`,
  });
}

async function isReady(url: string, stateFolder: string): Promise<boolean> {
  try {
    const { ok } = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    return (
      ok && readFileSync(join(stateFolder, 'log', 'worker.log'), 'utf8').includes('worker is ready')
    );
  } catch {
    return false;
  }
}
