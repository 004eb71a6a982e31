import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { isPassing } from '../../domain/errors.js';
import { openAdministration, toAdapterError } from '../../issuers/postgres/administration.js';
import { scramVerifier } from '../../issuers/postgres/scram.js';
import { parseLine } from '../../issuers/postgres/log-lines.js';
import { postgres } from '../../issuers/postgres/index.js';
import { rememberUses } from '../../issuers/seen-uses.js';
import { describeIssuer } from '../contracts/hold-to-issuer.js';
import { accepts, make, ordered } from '../../conformance/subject.js';
import { handed } from '../harness/environment.js';
import { connects, prepare, session, type PreparedPostgres } from './postgres-subject.js';

const unlogged = { adminUrlFile: '/url' };
const logged = { ...unlogged, connectionLogFile: '/log' };

describeIssuer(
  { name: 'postgres, with the log of the server', traits: postgres.traits(logged) },
  () => prepare('log'),
);
describeIssuer(
  { name: 'postgres, by looking at sessions', traits: postgres.traits(unlogged) },
  () => prepare('sessions'),
);

describe('postgres', () => {
  let subject: PreparedPostgres;
  beforeEach(async () => {
    subject = await prepare('log');
  });
  afterEach(() => subject.close());

  test('what a login made belongs to the owner role, and stays when the login is revoked', async () => {
    const made = await make(subject);
    const client = await session(made.value.reveal(), 'program');
    await client.query('create table public.kept (x int)');
    await client.end();
    await subject.issuer.revoke(made);
    const admin = new pg.Client({ connectionString: subject.database.ownerUrl });
    await admin.connect();
    const { rows } = await admin.query<{ tableowner: string }>(
      `select tableowner from pg_tables where tablename = 'kept'`,
    );
    await admin.end();
    expect(rows).toEqual([{ tableowner: subject.ownerRole }]);
  });

  test('open sessions are listed, and ended', async () => {
    const made = await make(subject);
    const client = await session(made.value.reveal(), 'long-runner');
    expect(await subject.issuer.openUse?.(made)).toMatchObject([
      { kind: 'session', source: { address: '127.0.0.1', name: 'long-runner' } },
    ]);
    await subject.issuer.endOpenUse?.(made);
    expect(await subject.issuer.openUse?.(made)).toEqual([]);
    await client.end().catch(() => undefined);
  });

  test('the password stands in no log of the server', async () => {
    const made = await make(subject);
    await connects(made.value.reveal(), 'program');
    await subject.issuer.revoke(made);
    const { password } = new URL(made.value.reveal());
    expect(readFileSync(handed('ROTOR_TEST_POSTGRES_LOG'), 'utf8')).not.toContain(password);
  });

  test('without the log its record is sampled: who is connected now', async () => {
    const sampled = await prepare('sessions');
    const made = await make(sampled);
    const client = await session(made.value.reveal(), 'pool');
    const record = await sampled.issuer.observedUse?.(sampled.secret, new Date(0));
    expect(record?.kind).toBe('sampled');
    expect(record?.uses).toMatchObject([
      { credentialId: made.credentialId, source: { name: 'pool' } },
    ]);
    await client.end();
    await sampled.close();
  });

  test('samples begin with the first look, and where nobody looked for long', async () => {
    const sampled = await prepare('sessions');
    const look = (since: Date) => sampled.issuer.observedUse?.(sampled.secret, since);
    const first = await look(new Date(0));
    expect(first?.continuousSince).toEqual(first?.completeThrough);
    const second = await look(new Date(Date.now() - 200_000));
    expect(second).toMatchObject({ kind: 'sampled', continuousSince: undefined });
    await sampled.close();
  });

  test('sessions of an adopted login are seen, whatever it is called and though it tells no name', async () => {
    const sampled = await prepare('sessions');
    const { ownerPool, ownerUrl } = sampled.database;
    const role = `legacy_${sampled.ownerRole}`;
    await ownerPool.query(`create role ${role} login password 'x' in role ${sampled.ownerRole}`);
    const url = new URL(ownerUrl);
    Object.assign(url, { username: role, password: 'x' });
    const client = await session(url.href, '');
    const record = await sampled.issuer.observedUse?.(sampled.secret, new Date(0));
    expect(record?.uses).toMatchObject([{ credentialId: role, source: { address: '127.0.0.1' } }]);
    await client.end();
    await ownerPool.query(`drop role ${role}`);
    await sampled.close();
  });
});

describe('databases of any name', () => {
  let subject: PreparedPostgres;
  let made: string[];
  beforeEach(async () => {
    subject = await prepare('sessions');
    made = [];
  });
  afterEach(async () => {
    for (const name of made)
      await subject.database.ownerPool.query(
        `drop database if exists ${pg.escapeIdentifier(name)} with (force)`,
      );
    await subject.close();
  });

  const another = async (start: string): Promise<string> => {
    const name = `${start}${subject.ownerRole}`;
    await subject.database.ownerPool.query(`create database ${pg.escapeIdentifier(name)}`);
    made.push(name);
    return name;
  };
  const within = (database: string): PreparedPostgres => {
    const specification = { ownerRole: subject.ownerRole, database };
    return { ...subject, secret: { ...subject.secret, specification } };
  };

  test('are logged in to, and cleaned up in, by what a URL escapes', async () => {
    const odd = within(await another('a@b:c/d#e?f%41 g&h+'));
    const login = await make(odd);
    expect(await accepts(odd, login)).toBe(true);
    await odd.issuer.revoke(login);
    expect(await odd.issuer.list(odd.secret)).toEqual([]);
  });

  test('are administered by a URL that escapes them', async () => {
    const name = await another('admin@/');
    const folder = mkdtempSync(join(tmpdir(), 'rotor-postgres-'));
    const url = new URL(subject.database.ownerUrl);
    url.pathname = `/${encodeURIComponent(name)}`;
    writeFileSync(join(folder, 'url'), url.href, { mode: 0o600 });
    const server = openAdministration(join(folder, 'url'));
    rmSync(folder, { recursive: true });
    expect(await server.query('select current_database() as name')).toEqual([{ name }]);
  });

  test('other than its own keep the role of what was made there; its login is refused all the same', async () => {
    const name = await another('other_');
    const { ownerPool } = subject.database;
    await ownerPool.query(
      `grant all on database ${pg.escapeIdentifier(name)} to ${subject.ownerRole}`,
    );
    const login = await make(subject);
    const elsewhere = new URL(login.value.reveal());
    elsewhere.pathname = `/${name}`;
    const client = await session(elsewhere.href, 'program');
    await client.query('reset role; set role none; create schema authorization current_user');
    const reason = await subject.issuer.revoke(login).catch((error: unknown) => error);
    expect(reason).toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/login is refused.*another database.*REASSIGN OWNED.*2BP01/),
    });
    expect(await subject.issuer.openUse?.(login)).toEqual([]);
    expect(await accepts(subject, login)).toBe(false);
    const url = new URL(subject.database.ownerUrl);
    url.pathname = `/${name}`;
    const admin = await session(url.href, 'admin');
    await admin.query(`reassign owned by ${login.credentialId} to ${subject.ownerRole}`);
    await subject.issuer.revoke(login);
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
    await admin.end();
    await client.end().catch(() => undefined);
  });

  test('that are gone hold nothing back', async () => {
    const gone = within('no_such_database');
    const login = await make(gone);
    const reason = await gone.issuer.verify(login, login.value, 'x').catch((e: unknown) => e);
    expect(reason).toMatchObject({ code: 'refused', message: expect.stringContaining('3D000') });
    await gone.issuer.revoke(login);
    expect(await gone.issuer.list(gone.secret)).toEqual([]);
  });

  test('are found by a client that does not unescape what a path may hold', async () => {
    const odd = within(await another('a@b:c=d&e$f,g;h+'));
    expect(await connects((await make(odd)).value.reveal(), 'program')).toBe(true);
  });
});

describe('what the server says', () => {
  const codes: [string, string, boolean][] = [
    ['2BP01', 'refused', false],
    ['3D000', 'refused', false],
    ['0LP01', 'refused', false],
    ['0P000', 'refused', false],
    ['0A000', 'refused', false],
    ['22023', 'refused', false],
    ['42501', 'not-permitted', false],
    ['42710', 'refused', false],
    ['28P01', 'not-permitted', false],
    ['23505', 'changed-meanwhile', true],
    ['40P01', 'changed-meanwhile', true],
    ['25006', 'unreachable', true],
    ['53300', 'busy', true],
    ['57P03', 'unreachable', true],
    ['XX000', 'unreachable', true],
    ['', 'unreachable', true],
  ];
  test.each(codes)('%s is "%s"; trying again can help: %s', (state, code, passing) => {
    const error = toAdapterError({ code: state, message: 'with a value in it' });
    expect(error.code).toBe(code);
    expect(isPassing(error.code)).toBe(passing);
    expect(error.message.endsWith(state === '' ? 'failed' : `(${state})`)).toBe(true);
  });

  test('of a role that is there already, and of an owner role that is not: a person has to look', async () => {
    const subject = await prepare('sessions');
    const { issuer, secret } = subject;
    const order = { secret, ...ordered(subject), expiresAt: undefined };
    await issuer.mint(order);
    const taken = await issuer.mint(order).catch((error: unknown) => error);
    expect(taken).toMatchObject({ code: 'refused', message: expect.stringContaining('42710') });
    const specification = { ...secret.specification, ownerRole: 'no_such_role' };
    const missing = { ...order, secret: { ...secret, specification } };
    const none = await issuer.mint(missing).catch((error: unknown) => error);
    expect(none).toMatchObject({ code: 'refused', message: expect.stringContaining('42704') });
    await subject.close();
  });
});

describe('lines of the log', () => {
  const at = '2026-01-02 03:04:05.678 UTC [42]';
  const from = `${at} app_1@orders 10.0.0.7(5512) [unknown] `;
  const authorized = `${from}LOG:  connection authorized: user=app_1 database=orders`;
  const billing = {
    kind: 'login',
    pid: 42,
    login: {
      role: 'app_1',
      at: new Date('2026-01-02T03:04:05.678Z'),
      outcome: 'accepted',
      address: '10.0.0.7',
      application: 'billing',
    },
  };
  test.each([
    ['a login', ''],
    [
      'an encrypted one',
      ' SSL enabled (protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)',
    ],
    [
      'one by GSS',
      ' GSS (authenticated=yes, encrypted=no, delegated_credentials=no, principal=a@b)',
    ],
  ])('%s', (_, ending) =>
    expect(parseLine(`${authorized} application_name=billing${ending}`)).toEqual(billing),
  );
  test('a login without a name, by a socket, and one for replication', () => {
    const socket = `${at} app_1@orders [local] [unknown] LOG:  connection authorized: user=app_1 database=orders`;
    const stream = `${at} app_1@[unknown] 10.0.0.7(1) [unknown] LOG:  replication connection authorized: user=app_1`;
    const nameless = { role: 'app_1', address: undefined, application: undefined };
    expect(parseLine(socket)).toMatchObject({ login: nameless });
    expect(parseLine(stream)).toMatchObject({ login: { ...nameless, address: '10.0.0.7' } });
  });
  test.each([
    ['a wrong password', 'password authentication failed for user "app_1"'],
    ['no login permitted', 'role "app_1" is not permitted to log in'],
    ['no such role', 'role "app_1" does not exist'],
    ['another method', 'LDAP authentication failed for user "app_1"'],
  ])('a refusal: %s', (_, message) =>
    expect(parseLine(`${from}FATAL:  ${message}`)).toMatchObject({
      kind: 'login',
      login: { role: 'app_1', outcome: 'refused', address: '10.0.0.7' },
    }),
  );
  test('a login that is not read as one is unclear', () => {
    const berlin = authorized.replace('UTC', 'CET');
    const torn = `2026-01-02 03:04${authorized}`;
    const latin = authorized.replaceAll('app_1', 'app_\uFFFD');
    const broken = `line@orders 10.0.0.7(1) [unknown] LOG:  connection authorized: user=new`;
    expect([berlin, torn, latin, broken].map((line) => parseLine(line).kind)).toEqual(
      Array(4).fill('unclear'),
    );
  });
  test('anything else', () =>
    expect(parseLine(`${at} @   LOG:  checkpoint starting: time`)).toEqual({ kind: 'other' }));
});

describe('the memory of uses', () => {
  const hour = 3_600_000;
  const uses = (count: number, at: Date, outcome: 'accepted' | 'refused') => {
    const seen = rememberUses();
    for (let index = 0; index < count; index += 1) {
      const [role, application] = outcome === 'accepted' ? ['app', `n${index}`] : [`r${index}`, ''];
      seen.add({ credentialId: role, outcome, address: '10.0.0.7', name: application, at });
    }
    seen.age(new Date());
    return seen.since(new Date(0));
  };
  test('a program that comes with ever new names takes little of it, and no use is lost', () => {
    const found = uses(1_000, new Date(), 'accepted');
    expect(found).toHaveLength(51);
    expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(1_000);
    expect(found.at(-1)?.source).toEqual({ address: '10.0.0.7' });
  });
  test('strangers who try ever new roles take little of it', () =>
    expect(uses(20_100, new Date(), 'refused')).toHaveLength(20_000));
  test('what is older than an hour is kept by day, with its last moment', () => {
    const seen = rememberUses();
    const noon = new Date(Math.floor(Date.now() / (24 * hour)) * 24 * hour - 12 * hour);
    const last = new Date(noon.getTime() + hour);
    for (const at of [noon, last]) {
      seen.add({ credentialId: 'app', outcome: 'accepted', address: null, name: 'a', at });
    }
    expect(seen.since(last)).toMatchObject([{ lastAt: last, minute: last, count: 2 }]);
    seen.age(new Date(Date.now() + 41 * 24 * hour));
    expect(seen.since(new Date(0))).toEqual([]);
  });
});

test('the verifier is the one of RFC 7677 (user "user", password "pencil")', () => {
  const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
  expect(verifier).toMatch(
    /^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=$/,
  );
});
