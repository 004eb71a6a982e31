import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { openAdministration, type Administration } from '../../issuers/postgres/administration.js';
import { openConnectionLog, type ConnectionLog } from '../../issuers/postgres/connection-log.js';
import type { LoggedLogin } from '../../issuers/postgres/log-lines.js';
import { logsAuthorization, lookAtSettings } from '../../issuers/postgres/log-settings.js';
import { openLogTail } from '../../issuers/log-tail.js';
import { readNotedLogins } from '../../issuers/postgres/login-trigger.js';
import { openPostgres, type OwnPostgres } from '../harness/own-postgres.js';

let server: OwnPostgres;
let administration: Administration;
beforeAll(async () => {
  server = await openPostgres();
  administration = openAdministration(server.urlFile);
  await server.query(`create role app login password 'app'`);
});
afterAll(() => server.close());

interface Opened {
  readonly log: ConnectionLog;
  /** Application names of accepted logins, in order. */
  names(): (string | undefined)[];
}

function openLog(path = server.logFile, admin = administration): Opened {
  const logins: LoggedLogin[] = [];
  const log = openConnectionLog({ server: admin, path, seen: (login) => logins.push(login) });
  const names = () =>
    logins.flatMap(({ role, outcome, application }) =>
      role === 'app' && outcome === 'accepted' ? [application] : [],
    );
  return { log, names };
}

async function logIn(application: string): Promise<void> {
  const url = new URL(server.url);
  Object.assign(url, { username: 'app', password: 'app' });
  const client = new pg.Client({ connectionString: url.href, application_name: application });
  await client.connect();
  await client.end();
}

async function clock(): Promise<Date> {
  const [found] = await server.query<{ now: Date }>('select clock_timestamp() as now');
  return found?.now ?? new Date(Number.NaN);
}

/** An administrator who may not ask for the name of the log. */
async function lesser(): Promise<Administration> {
  await server.query(`create role lesser login createrole password 'lesser'`);
  const url = new URL(server.url);
  Object.assign(url, { username: 'lesser', password: 'lesser' });
  const file = `${server.urlFile}-lesser`;
  writeFileSync(file, url.href, { mode: 0o600 });
  return openAdministration(file);
}

/** The server's lines are written by a process of its own: what was logged before is in the file from here on. */
async function written(): Promise<void> {
  const mark = `written-${randomUUID()}`;
  await server.query(`do $$ begin raise log '${mark}'; end $$`);
  while (!readFileSync(server.logFile, 'utf8').includes(mark)) await pause(5);
}

let renamed = 0;
/** What logrotate does: rename, then tell the server. */
async function rotate(): Promise<void> {
  const { ino } = await stat(server.logFile);
  renameSync(server.logFile, `${server.logFile}.${(renamed += 1)}`);
  await server.query('select pg_rotate_logfile()');
  for (;;) {
    const found = await stat(server.logFile).catch(() => undefined);
    if (found !== undefined && found.ino !== ino) return;
    await pause(5);
  }
}

describe('a log that is rotated', () => {
  test('the first reading begins with the first line of the file', async () => {
    await logIn('before');
    const before = await clock();
    await rotate();
    await logIn('after');
    const { log, names } = openLog();
    const reading = await log.read();
    expect(names()).toEqual(['after']);
    expect(reading.continuousSince > before).toBe(true);
  });

  test('what was written before the rename is read, and nothing is missing', async () => {
    const { log, names } = openLog();
    const { continuousSince } = await log.read();
    await logIn('last of the old');
    await rotate();
    await logIn('first of the new');
    expect((await log.read()).continuousSince).toEqual(continuousSince);
    await rotate();
    await logIn('another');
    expect((await log.read()).continuousSince).toEqual(continuousSince);
    expect(names().slice(-3)).toEqual(['last of the old', 'first of the new', 'another']);
  });

  test('a server that still writes to the renamed file is read there', async () => {
    const { log, names } = openLog();
    const { continuousSince } = await log.read();
    renameSync(server.logFile, `${server.logFile}.${(renamed += 1)}`);
    writeFileSync(server.logFile, '');
    chmodSync(server.logFile, 0o666);
    await logIn('into the renamed one');
    expect((await log.read()).continuousSince).toEqual(continuousSince);
    await server.query('select pg_rotate_logfile()');
    await logIn('into the one or the other');
    expect((await log.read()).continuousSince).toEqual(continuousSince);
    expect(names().slice(-2)).toEqual(['into the renamed one', 'into the one or the other']);
  });

  test('a log that was rotated twice between two looks has a gap', async () => {
    const { log, names } = openLog();
    await log.read();
    await rotate();
    await logIn('in the lost one');
    const lost = await clock();
    await rotate();
    await logIn('seen again');
    expect((await log.read()).continuousSince > lost).toBe(true);
    expect(names()).not.toContain('in the lost one');
    expect(names()).toContain('seen again');
  });

  test('a log that was emptied has a gap, though it is longer than before when it is looked at', async () => {
    const { log, names } = openLog();
    await log.read();
    const { size } = await stat(server.logFile);
    await logIn('emptied away');
    const lost = await clock();
    await written();
    truncateSync(server.logFile, 0);
    await logIn('after that');
    await server.query(`do $$ begin raise log '${'x'.repeat(size)}'; end $$`);
    expect((await log.read()).continuousSince > lost).toBe(true);
    expect(names()).toContain('after that');
    const emptied = await clock();
    await written();
    truncateSync(server.logFile, 0);
    expect((await log.read()).continuousSince >= emptied).toBe(true);
  });
});

describe('settings', () => {
  test('what the server logs meanwhile without logins is a gap, up to the change back', async () => {
    const { log, names } = openLog();
    await log.read();
    await server.set('log_connections', 'receipt,setup_durations');
    await logIn('hidden');
    await expect(log.read()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining("a list with 'authorization'"),
    });
    const hidden = await clock();
    await server.set('log_connections', 'receipt,authorization');
    await logIn('told');
    const { continuousSince, completeThrough } = await log.read();
    expect(continuousSince > hidden).toBe(true);
    expect(continuousSince <= (await clock()) && completeThrough <= (await clock())).toBe(true);
    expect(names()).not.toContain('hidden');
    expect(names()).toContain('told');
    expect((await openLog().log.read()).continuousSince).toEqual(continuousSince);
  });

  test('lines that have had another prefix are a gap, in a first reading too', async () => {
    await server.set('log_line_prefix', '%t ');
    await logIn('unreadable');
    await expect(openLog().log.read()).rejects.toThrow('log_line_prefix has to be');
    const before = await clock();
    await server.set('log_line_prefix', '%m [%p] %u@%d %r %a ');
    const { continuousSince } = await openLog().log.read();
    expect(continuousSince >= before).toBe(true);
  });

  test.each([
    ['log_min_messages', 'fatal', 'warning'],
    ['log_timezone', 'Europe/Berlin', 'UTC'],
  ])('%s = %s is refused', async (name, unfit, fit) => {
    await server.set(name, unfit);
    await expect(openLog().log.read()).rejects.toThrow(`${name} has to be`);
    await server.set(name, fit);
    await openLog().log.read();
  });

  test.each([
    ['lc_messages', 'de_DE.UTF-8'],
    ['log_destination', 'csvlog'],
  ])('%s = %s is refused, as far as a server can be told', async (name, setting) => {
    const settings = [{ name, setting, source: 'configuration file' }];
    const told: Administration = {
      ...administration,
      query: <R extends object>() => Promise.resolve([{ settings } as R]),
    };
    await expect(lookAtSettings(told)).rejects.toThrow(`${name} has to`);
    settings[0] = {
      name,
      setting: name === 'lc_messages' ? 'en_US.utf8' : 'csvlog,stderr',
      source: 'default',
    };
    expect(await lookAtSettings(told)).toEqual({ settings });
  });

  test('what is set for the administrator alone says nothing, and is refused', async () => {
    await server.query(`alter role rotor_owner set log_min_messages = 'debug1'`);
    await expect(openLog().log.read()).rejects.toThrow("log_min_messages is set for rotor's");
    await server.query('alter role rotor_owner reset log_min_messages');
  });

  test('what is set for a role or a database hides no login', async () => {
    const { log, names } = openLog();
    await server.query(`alter role app set log_min_messages = 'panic'`);
    await server.query(`alter database postgres set log_min_messages = 'panic'`);
    await logIn('not hidden');
    await server.query('alter database postgres reset log_min_messages');
    await server.query('alter role app reset log_min_messages');
    await log.read();
    expect(names()).toContain('not hidden');
  });

  test('a log in which rotor does not find its own login is refused', async () => {
    const other: Administration = {
      ...administration,
      query: async <R extends object>(text: string, values?: readonly unknown[]) =>
        (await administration.query<R>(text, values)).map((row) =>
          'pid' in row ? { ...row, pid: 1 } : row,
        ),
    };
    await expect(openLog(server.logFile, other).log.read()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining("rotor's own login"),
    });
  });

  test('a server that was started anew may have logged otherwise before', async () => {
    const { log } = openLog();
    await log.read();
    const before = await clock();
    await server.restart();
    expect((await log.read()).continuousSince > before).toBe(true);
  });

  test.each(['on', 'true', 'YES', '1', 'all', 'receipt, authorization'])('%s is fit', (value) =>
    expect(logsAuthorization(value)).toBe(true),
  );
  test.each(['', 'off', 'receipt', 'receipt,authentication,setup_durations'])(
    "'%s' is not fit",
    (value) => expect(logsAuthorization(value)).toBe(false),
  );
});

test('names with blanks, quotes and signs are read as the server writes them', async () => {
  const { log } = openLog();
  await server.query(`create role "or ders @ ""x é" login password 'app'`);
  await server.query('create database "d @ b c"');
  const url = new URL(server.url);
  Object.assign(url, { username: encodeURIComponent('or ders @ "x é'), password: 'app' });
  url.pathname = '/d @ b c';
  const found: LoggedLogin[] = [];
  const own = openConnectionLog({
    server: administration,
    path: server.logFile,
    seen: (login) => found.push(login),
  });
  await log.read();
  const client = new pg.Client({
    connectionString: url.href,
    application_name: 'a  "b" c\nd é',
  });
  await client.connect();
  await client.end();
  url.password = 'wrong';
  await expect(new pg.Client({ connectionString: url.href }).connect()).rejects.toThrow();
  await own.read();
  expect(found.filter(({ role }) => role === 'or ders @ "x é')).toMatchObject([
    { outcome: 'accepted', address: '127.0.0.1', application: String.raw`a  "b" c\x0ad \xc3\xa9` },
    { outcome: 'refused', address: '127.0.0.1' },
  ]);
});

test('readings that are asked for at once count no login twice', async () => {
  const { log, names } = openLog();
  await log.read();
  const before = names().length;
  await logIn('once');
  const readings = await Promise.all([log.read(), log.read(), log.read()]);
  expect(names().slice(before)).toEqual(['once']);
  expect(new Set(readings).size).toBeLessThan(3);
});

test('a line is read when it is whole, and a character that was cut too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rotor-log-'));
  const path = join(folder, 'log');
  const lines: string[] = [];
  const reader = { line: (text: string) => lines.push(text), lost: () => lines.push('lost') };
  const tail = openLogTail(() => Promise.resolve({ path, named: 'once' }));
  const bytes = Buffer.from('first\nsecond é\n');
  const cut = bytes.indexOf(0xc3) + 1;
  writeFileSync(path, bytes.subarray(0, cut));
  await tail.readUntil('first', reader);
  expect(lines).toEqual(['lost', 'first']);
  appendFileSync(path, bytes.subarray(cut));
  await tail.readUntil('second', reader);
  expect(lines).toEqual(['lost', 'first', 'second é']);
  rmSync(folder, { recursive: true });
});

test('a login waits for no standby, though the trigger writes', async () => {
  const watched = { database: 'postgres', ownerRole: 'owning', since: new Date(0) };
  await server.query('create role owning; grant owning to app');
  await readNotedLogins(administration, watched);
  await server.set('synchronous_standby_names', 'nobody');
  await logIn('quick');
  await server.set('synchronous_standby_names', '');
  const { uses } = await readNotedLogins(administration, watched);
  expect(uses).toMatchObject([{ credentialId: 'app', source: { name: 'quick' } }]);
});

test('in a folder, the file is the one that the server names', async () => {
  await server.set('log_filename', 'each-%H%M%S.log');
  const { log, names } = openLog(server.logFolder);
  await logIn('one');
  const { continuousSince } = await log.read();
  await expect(openLog(server.logFolder, await lesser()).log.read()).rejects.toThrow('pg_monitor');
  await logIn('two');
  await pause(1_000);
  await server.query('select pg_rotate_logfile()');
  await logIn('three');
  expect((await log.read()).continuousSince).toEqual(continuousSince);
  expect(names().slice(-2)).toEqual(['two', 'three']);
  await server.set('log_filename', 'postgresql.log');
  await logIn('four');
  const moved = await log.read();
  expect(moved.continuousSince > moved.completeThrough).toBe(true);
});
