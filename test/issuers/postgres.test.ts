import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { scramVerifier } from '../../issuers/postgres/scram.js';
import { parseLine } from '../../issuers/postgres/connection-log.js';
import { postgres, traitsOf } from '../../issuers/postgres/index.js';
import { describeIssuer, type PreparedIssuer } from '../contracts/hold-to-issuer.js';
import { make } from '../contracts/issuer-subject.js';
import { openDatabase } from '../harness/database.js';
import { handed } from '../harness/environment.js';

type Prepared = PreparedIssuer & { readonly ownerRole: string; readonly ownerUrl: string };

/** A server's administrator, an owner role with a table, and programs that log in. */
async function prepare(exact: boolean): Promise<Prepared> {
  const database = await openDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'rotor-postgres-'));
  const adminUrlFile = join(folder, 'admin-url');
  writeFileSync(adminUrlFile, database.ownerUrl, { mode: 0o600 });
  const ownerRole = `own_${randomBytes(4).toString('hex')}`;
  const name = new URL(database.ownerUrl).pathname.slice(1);
  await database.ownerPool.query(
    `create role ${ownerRole} nologin; grant create on schema public to ${ownerRole}`,
  );
  const installation = randomUUID();
  const log = exact ? { connectionLogFile: handed('ROTOR_TEST_POSTGRES_LOG') } : {};
  const issuer = postgres.open({ adminUrlFile, ...log }, { installationId: installation });
  const specification = { ownerRole, database: name };
  return {
    issuer,
    installation,
    ownerRole,
    ownerUrl: database.ownerUrl,
    secret: { secretId: randomUUID(), name: 'acme/database', specification },
    use: (value, userAgent) => connects(value, userAgent),
    plant: async () => {
      const role = `${ownerRole}_planted`;
      await database.ownerPool.query(
        `create role ${role} login in role ${ownerRole}; comment on role ${role} is '${randomUUID()}/${randomUUID()}'`,
      );
      return role;
    },
    close: async () => {
      const { rows } = await database.ownerPool.query<{ name: string }>(
        `select rolname as name from pg_roles where rolname like $1`,
        [`${ownerRole}%`],
      );
      await database.ownerPool.query(
        `drop owned by ${rows.map((row) => row.name).join(', ')} cascade`,
      );
      for (const { name: role } of rows) await database.ownerPool.query(`drop role ${role}`);
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function connects(url: string, application: string): Promise<boolean> {
  const client = await session(url, application).catch(() => undefined);
  await client?.end();
  return client !== undefined;
}

async function session(url: string, application: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: application });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

describeIssuer({ name: 'postgres, with the log of the server', traits: traitsOf(true) }, () =>
  prepare(true),
);
describeIssuer({ name: 'postgres, by looking at sessions', traits: traitsOf(false) }, () =>
  prepare(false),
);

describe('postgres', () => {
  let subject: Prepared;
  beforeEach(async () => {
    subject = await prepare(true);
  });
  afterEach(() => subject.close());

  test('what a login made belongs to the owner role, and stays when the login is revoked', async () => {
    const made = await make(subject);
    const client = await session(made.value.reveal(), 'program');
    await client.query('create table public.kept (x int)');
    await client.end();
    await subject.issuer.revoke(made);
    const admin = new pg.Client({ connectionString: subject.ownerUrl });
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
    const sampled = await prepare(false);
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
});

describe('lines of the log', () => {
  const at = '2026-01-02 03:04:05.678 UTC [42]';
  test('a login', () => {
    const line = `${at} app_1@orders 10.0.0.7(5512) [unknown] LOG:  connection authorized: user=app_1 database=orders application_name=billing`;
    expect(parseLine(line)).toEqual([
      {
        role: 'app_1',
        at: new Date('2026-01-02T03:04:05.678Z'),
        outcome: 'accepted',
        address: '10.0.0.7',
        application: 'billing',
      },
    ]);
  });
  test('a refused password, and a login that is not permitted', () => {
    const wrong = `${at} app_1@orders 10.0.0.7(5512) [unknown] FATAL:  password authentication failed for user "app_1"`;
    const not = `${at} app_1@orders 10.0.0.7(5512) [unknown] FATAL:  role "app_1" is not permitted to log in`;
    expect([wrong, not].flatMap(parseLine)).toMatchObject([
      { role: 'app_1', outcome: 'refused' },
      { role: 'app_1', outcome: 'refused' },
    ]);
  });
  test('anything else', () =>
    expect(parseLine(`${at} @   LOG:  checkpoint starting: time`)).toEqual([]));
});

test('the verifier is the one of RFC 7677 (user "user", password "pencil")', () => {
  const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
  expect(verifier).toMatch(
    /^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=$/,
  );
});
