import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { UseRecord } from '../../domain/issuer.js';
import { openAdministration, type Administration } from '../../issuers/postgres/administration.js';
import { postgres } from '../../issuers/postgres/index.js';
import { readNotedLogins } from '../../issuers/postgres/login-trigger.js';
import { make, type Made } from '../../conformance/subject.js';
import { contextOf } from './context.js';
import { connects, prepare, session, type PreparedPostgres } from './postgres-subject.js';

let subject: PreparedPostgres;
let made: Made;
beforeEach(async () => {
  subject = await prepare('trigger');
  made = await make(subject);
  await look();
});
afterEach(() => subject.close());

async function look(since = new Date(0)): Promise<UseRecord> {
  const record = await subject.issuer.observedUse?.(subject.secret, since);
  if (record === undefined) throw new Error('no record');
  return record;
}

async function logIn(name: string, one = made): Promise<boolean> {
  return connects(one.value.reveal(), name);
}

async function names(): Promise<(string | undefined)[]> {
  const { uses } = await look();
  return uses.filter((use) => use.credentialId === made.credentialId).map((u) => u.source.name);
}

const change = (text: string): Promise<unknown> => subject.database.ownerPool.query(text);

test('a short login between two looks is seen, and probes are not', async () => {
  expect(await logIn('job')).toBe(true);
  await subject.issuer.verify(made, made.value, 'mark');
  const record = await look();
  expect(record).toMatchObject({ kind: 'sampled', resolutionMs: 60_000 });
  expect(record.uses).toMatchObject([
    { credentialId: made.credentialId, source: { address: '127.0.0.1', name: 'job' } },
  ]);
});

test('it has run without a gap since it was made, however long nobody looks', async () => {
  const { continuousSince } = await look();
  expect((await look()).continuousSince).toEqual(continuousSince);
  expect(continuousSince === undefined).toBe(false);
  expect((await look(new Date())).continuousSince).toBeUndefined();
});

test('a session and its login are one use', async () => {
  const client = await session(made.value.reveal(), 'pool');
  const { uses } = await look();
  await client.end();
  expect(new Set(uses.map(({ minute }) => minute.getTime())).size).toBe(uses.length);
  expect(uses[0]).toMatchObject({ source: { name: 'pool' } });
});

test('logins of others in the database are not noted', async () => {
  const stranger = `stranger_${subject.ownerRole}`;
  await change(`create role ${stranger} login password 'x'`);
  const url = new URL(subject.database.ownerUrl);
  Object.assign(url, { username: stranger, password: 'x' });
  expect(await connects(url.href, 'elsewhere')).toBe(true);
  expect((await look()).uses).toEqual([]);
  await change(`drop role ${stranger}`);
});

test('no login is refused, whatever was done to what the trigger needs', async () => {
  const breaks = [
    'drop table rotor_use.logins',
    'alter table rotor_use.logins drop column pid',
    'drop table rotor_use.owner_roles',
    `revoke all on schema rotor_use from public; revoke all on function rotor_use.note_login() from public;
     revoke all on rotor_use.logins from current_user`,
    'alter schema rotor_use rename to gone',
  ];
  const passed: string[] = [];
  for (const text of breaks) {
    await change(text);
    if (await logIn('program')) passed.push(text);
    await change(
      `drop event trigger rotor_note_login; drop schema if exists rotor_use cascade; drop schema if exists gone cascade`,
    );
    await look();
  }
  expect(passed).toEqual(breaks);
});

test('no login waits for a lock on its table', async () => {
  const client = await subject.database.ownerPool.connect();
  await client.query('begin; lock table rotor_use.logins in access exclusive mode');
  expect(await logIn('locked out')).toBe(true);
  await client.query('rollback');
  client.release();
  expect(await names()).toEqual([]);
});

test.each([
  ['read-only', 'default_transaction_read_only = on'],
  ['serializable', 'default_transaction_isolation = serializable'],
])('%s logins pass, many at once too, and are not seen', async (_, setting) => {
  await change(`alter role ${made.credentialId} set ${setting}`);
  const passed = await Promise.all(Array.from({ length: 8 }, (_none, index) => logIn(`p${index}`)));
  await change(
    `alter role ${made.credentialId} reset all; alter role ${made.credentialId} set role ${subject.ownerRole}`,
  );
  expect(passed).toEqual(Array(8).fill(true));
  expect(await names()).toEqual([]);
});

test('what was dropped is made again, and the record begins anew', async () => {
  for (const text of ['drop event trigger rotor_note_login', 'drop schema rotor_use cascade']) {
    const before = (await look()).completeThrough;
    await change(text);
    await logIn('unseen');
    expect((await look()).continuousSince?.getTime()).toBeGreaterThan(before.getTime());
    await logIn(text);
    expect(await names()).toContain(text);
  }
});

test('a disabled one stays disabled, and the record is what the looks saw', async () => {
  await change('alter event trigger rotor_note_login disable');
  const off = await look();
  expect(off.continuousSince).toEqual(off.completeThrough);
  expect((await look(new Date())).continuousSince).toBeUndefined();
  await logIn('unseen');
  await change('alter event trigger rotor_note_login enable always');
  await logIn('seen');
  const on = await look();
  expect(on.continuousSince?.getTime()).toBeGreaterThanOrEqual(off.completeThrough.getTime());
  expect(await names()).toEqual(['seen']);
});

test('each database notes its own', async () => {
  const other = await prepare('trigger');
  const another = await make(other);
  await other.issuer.observedUse?.(other.secret, new Date(0));
  await logIn('here');
  await logIn('there', another);
  expect(await names()).toEqual(['here']);
  const there = await other.issuer.observedUse?.(other.secret, new Date(0));
  expect(there?.uses).toMatchObject([
    { credentialId: another.credentialId, source: { name: 'there' } },
  ]);
  await other.close();
});

test('old rows are trimmed', async () => {
  const old = `insert into rotor_use.logins select clock_timestamp() - interval '41 days', 1, 'old', 'x', null`;
  await change(old);
  await look();
  const { rows } = await subject.database.ownerPool.query(
    `select role from rotor_use.logins where role = 'old'`,
  );
  expect(rows).toEqual([]);
});

test('an administrator who may not make event triggers is told what to do', async () => {
  const role = `admin_${randomBytes(4).toString('hex')}`;
  await change(`create role ${role} login createrole password 'x'`);
  await change('drop event trigger rotor_note_login; drop schema rotor_use cascade');
  await change(
    `do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$`,
  );
  const url = new URL(subject.database.ownerUrl);
  Object.assign(url, { username: role, password: 'x' });
  const adminUrlFile = join(tmpdir(), role);
  writeFileSync(adminUrlFile, url.href, { mode: 0o600 });
  const options = { adminUrlFile, loginTrigger: true };
  const issuer = postgres.open(options, contextOf(subject.installation));
  await expect(issuer.observedUse?.(subject.secret, new Date(0))).rejects.toMatchObject({
    code: 'not-permitted',
    message: expect.stringContaining('only a superuser may make event triggers'),
  });
  await change(`drop owned by ${role}; drop role ${role}`);
});

test('an older server is refused, and so are log and trigger at once', async () => {
  const older: Administration = {
    url: new URL(subject.database.ownerUrl),
    query: <R extends object>() => Promise.resolve([{ version: 160_004, installed: false } as R]),
  };
  const watched = { database: 'any', ownerRole: 'any', since: new Date(0) };
  await expect(readNotedLogins(older, watched)).rejects.toMatchObject({ code: 'refused' });
  const both = { adminUrlFile: 'a', connectionLogFile: 'b', loginTrigger: true };
  expect(postgres.options.safeParse(both).success).toBe(false);
  expect(() => openAdministration('/nowhere')).toThrow('missing');
});
