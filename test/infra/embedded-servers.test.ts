import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { canEnter, serverAccount } from '../../infra/embedded/account.js';
import { cacheFolder } from '../../infra/embedded/folders.js';
import { startServers } from '../../infra/embedded/servers.js';
import { temporalBinary } from '../../infra/embedded/temporal-binary.js';
import { packageRoot } from '../../infra/package-root.js';
import {
  isRunning,
  killStarter,
  startInProcess,
  stopInProcess,
  watchdogIds,
  type Started,
  type StarterOptions,
} from '../harness/starter.js';
import { removeState } from '../../infra/embedded/state.js';

async function query<T extends pg.QueryResultRow>(url: string, statement: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function withClient<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** One row and one workflow, for finding them again by the name that is returned. */
async function leaveMarks({ databaseOwnerUrl, temporalAddress }: Started): Promise<string> {
  const mark = `mark_${randomBytes(4).toString('hex')}`;
  await query(databaseOwnerUrl, `create table ${mark} as select 42 as answer`);
  await withClient(temporalAddress, (client) =>
    client.workflow.start('mark', { workflowId: mark, taskQueue: 'nobody', args: [] }),
  );
  return mark;
}

async function expectMarks(
  { databaseOwnerUrl, temporalAddress }: Started,
  mark: string,
): Promise<void> {
  expect(await query(databaseOwnerUrl, `select answer from ${mark}`)).toEqual([{ answer: 42 }]);
  const { type } = await withClient(temporalAddress, (client) =>
    client.workflow.getHandle(mark).describe(),
  );
  expect(type).toBe('mark');
}

async function secondsUntilGone(pids: readonly number[]): Promise<number> {
  const began = Date.now();
  while (pids.some(isRunning) && Date.now() - began < 10_000) await sleep(50);
  return (Date.now() - began) / 1000;
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

/** The account may not reach our cache, and fetching the program again would take long. */
async function pathWithTemporal(folder: string): Promise<string> {
  const path = process.env['PATH'] ?? '';
  const program = await temporalBinary({ cache: cacheFolder(folder, undefined), path });
  copyFileSync(program, join(folder, 'temporal'), constants.COPYFILE_FICLONE);
  return `${folder}${delimiter}${path}`;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
  chmodSync(folder, 0o755);
  return folder;
}

let started: Started[] = [];

async function stopAll(): Promise<void> {
  await Promise.all(
    started
      .filter(({ process: child }) => child.exitCode === null && child.signalCode === null)
      .map(stopInProcess),
  );
  started = [];
}

async function startAt(state: string, options?: StarterOptions): Promise<Started> {
  const one = await startInProcess(state, options);
  started.push(one);
  return one;
}

describe('embedded servers of one folder, started again and again', () => {
  const folder = newFolder();
  const state = join(folder, 'state');
  afterEach(stopAll);
  afterAll(() => {
    removeState(state);
    removeState(folder);
  });

  const start = (options?: StarterOptions): Promise<Started> => startAt(state, options);

  test('are gone within 5 s after a kill -9 of their starter, and the next start finds everything again within 5 s', async () => {
    const first = await start();
    const mark = await leaveMarks(first);
    await killStarter(first);
    expect(await secondsUntilGone(first.serverIds)).toBeLessThan(5);
    const second = await start();
    expect(second.milliseconds).toBeLessThan(5_000);
    await expectMarks(second, mark);
  });

  test('that survived their starter and their watchdogs are stopped by the next start, which finds everything again', async () => {
    const first = await start();
    const mark = await leaveMarks(first);
    kill(first.serverIds.flatMap(watchdogIds));
    await killStarter(first);
    expect(first.serverIds.every(isRunning)).toBe(true);
    const second = await start();
    expect(first.serverIds.some(isRunning)).toBe(false);
    await expectMarks(second, mark);
  });

  test('recover after a kill -9 of everything at once', async () => {
    const first = await start();
    const mark = await leaveMarks(first);
    kill([...first.serverIds.flatMap(watchdogIds), ...first.serverIds]);
    await killStarter(first);
    await expectMarks(await start(), mark);
  });

  test('refuse a second start on the same state folder, and name who uses it', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(`is in use by process ${String(first.process.pid)}`);
    await query(first.databaseUrl, 'select 1');
  });

  test('keep passwords in files of ours alone: not in arguments, not in logs', async () => {
    const one = await start();
    const files = ['postgres-owner-password', 'postgres-app-password'].map((name) =>
      join(state, name),
    );
    const passwords = files.map((file) => readFileSync(file, 'utf8'));
    expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
    expect([one.databaseOwnerUrl, one.databaseUrl].map((url) => new URL(url).password)).toEqual(
      passwords,
    );
    const { stdout: processes } = spawnSync('ps', ['-A', '-ww', '-o', 'args='], {
      encoding: 'utf8',
    });
    const logs = ['postgres.log', 'temporal.log'].map((name) =>
      readFileSync(join(state, name), 'utf8'),
    );
    for (const password of passwords)
      expect([processes, ...logs].join('\n')).not.toContain(password);
  });

  test('refuse a wrong password, and the log names who connected from where and who was refused', async () => {
    const one = await start({ durable: false });
    const wrong = new URL(one.databaseUrl);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
    await query(one.databaseUrl, 'select 1');
    const log = readFileSync(one.postgresLog ?? '', 'utf8');
    expect(log).toMatch(
      /rotor_app@rotor 127\.0\.0\.1\(\d+\) .*FATAL: {2}password authentication failed/,
    );
    expect(log).toMatch(/connection authorized: user=rotor_app database=rotor/);
    expect(await query(one.databaseOwnerUrl, 'show listen_addresses')).toEqual([
      { listen_addresses: '127.0.0.1' },
    ]);
    expect(await query(one.databaseOwnerUrl, 'show unix_socket_directories')).toEqual([
      { unix_socket_directories: '' },
    ]);
  });

  test('stop in order when asked to, and twice is fine', async () => {
    const servers = await startServers({ stateFolder: state, durable: false });
    await servers.stop();
    await servers.stop();
    expect(existsSync(join(state, 'postgres', 'postmaster.pid'))).toBe(false);
    expect(existsSync(join(state, 'postgres.claim'))).toBe(false);
  });
});

describe('embedded servers of a new folder', () => {
  let folder: string;
  let state: string;

  beforeEach(() => {
    folder = newFolder();
    state = join(folder, 'state');
  });
  afterEach(async () => {
    await stopAll();
    removeState(state);
    removeState(folder);
  });

  const start = (options?: StarterOptions, at = state): Promise<Started> => startAt(at, options);

  test('of two folders run at once, each on its own ports', async () => {
    const other = join(folder, 'other [x] folder');
    const [one, two] = await Promise.all([start(), start({ durable: false }, other)]);
    expect(one.temporalAddress).not.toBe(two.temporalAddress);
    await query(one.databaseOwnerUrl, 'create table only_here ()');
    expect(await query(two.databaseUrl, `select to_regclass('only_here') as found`)).toEqual([
      { found: null },
    ]);
    expect(await query(one.databaseOwnerUrl, 'show fsync')).toEqual([{ fsync: 'on' }]);
    expect(await query(two.databaseOwnerUrl, 'show fsync')).toEqual([{ fsync: 'off' }]);
  });

  test('work below a folder that only its owner may enter', async () => {
    const closed = join(folder, 'home');
    mkdirSync(closed, { mode: 0o700 });
    state = join(closed, 'state');
    const first = await start();
    const mark = await leaveMarks(first);
    await stopInProcess(first);
    await expectMarks(await start(), mark);
    expect(lstatSync(join(state, 'postgres')).isSymbolicLink()).toBe(serverAccount() !== undefined);
  });

  test('work for an ordinary user with a cache of its own', async () => {
    const account = serverAccount();
    const cache = join(folder, 'cache');
    chmodSync(folder, 0o777);
    const programs = [packageRoot(), dirname(process.execPath)];
    const mayEnter = account !== undefined && programs.every((place) => canEnter(place, account));
    const one = await start({
      ...(mayEnter && { account }),
      environment: { XDG_CACHE_HOME: cache, HOME: folder, PATH: await pathWithTemporal(folder) },
    });
    expect(await query(one.databaseUrl, 'select current_user as role')).toEqual([
      { role: 'rotor_app' },
    ]);
    expect(existsSync(join(cache, 'rotor'))).toBe(true);
  });
});
