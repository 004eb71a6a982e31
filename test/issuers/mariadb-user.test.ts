import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createConnection, type Connection } from 'mariadb';
import { SecretValue } from '../../domain/secret-value.js';
import { mariadbUser, traits } from '../../issuers/mariadb-user/index.js';
import { describeIssuer } from '../contracts/hold-to-issuer.js';
import { accepts, codeOf, make } from '../../conformance/subject.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { contextOf } from './context.js';
import {
  logsIn,
  optionsOf,
  prepareMariaDb,
  serverOf,
  type PreparedMariaDb,
} from './mariadb-subject.js';

let server: AddressOf<'mariadb'>;
let folder: string;
beforeAll(async () => {
  server = await target('mariadb');
  folder = mkdtempSync(join(tmpdir(), 'rotor-mariadb-'));
}, targetPatience);
afterAll(() => rmSync(folder, { recursive: true }));

describeIssuer({ name: 'mariadb-user', traits }, () => prepareMariaDb(server));

describe('mariadb-user', () => {
  let subject: PreparedMariaDb;
  let opened: Connection[];
  beforeEach(async () => {
    opened = [];
    subject = await prepareMariaDb(server);
  });
  afterEach(async () => {
    for (const connection of opened) connection.destroy();
    await subject.close();
  });

  const sql = (text: string): Promise<readonly unknown[]> =>
    subject.asAdmin(({ ask }) => ask(text));
  const account = (): string => `\`${subject.user}\`@'%'`;
  const anew = (more: object = {}): PreparedMariaDb['issuer'] =>
    mariadbUser.open(optionsOf(server, more), contextOf(subject.installation));

  async function connection(password: string): Promise<Connection> {
    const { host, port } = server;
    const made = await createConnection({ host, port, user: subject.user, password });
    made.on('error', () => undefined);
    opened.push(made);
    return made;
  }

  async function rotorWith(name: string, ...rights: readonly string[]): Promise<object> {
    const passwordFile = join(folder, name);
    writeFileSync(passwordFile, `password-of-${name}`, { mode: 0o600 });
    await sql(`create or replace user ${name}@'%' identified by 'password-of-${name}'`);
    for (const right of rights) await sql(`grant ${right} to ${name}@'%'`);
    return { user: name, passwordFile };
  }

  const everyRight = [
    'create user, process, connection admin on *.*',
    'select on mysql.global_priv',
  ];

  test('the rights that the README names are enough', async () => {
    const issuer = anew(await rotorWith('enough', ...everyRight));
    const own = { ...subject, issuer };
    const made = await make(own);
    expect(await accepts(own, made)).toBe(true);
    const program = await connection(made.value.reveal());
    await issuer.revoke(made);
    await issuer.endOpenUse?.(made);
    await expect(program.query('select 1')).rejects.toThrow();
    expect(await issuer.list(own.secret)).toEqual([]);
  });

  test.each([
    ['process', 'create user, connection admin on *.*'],
    ['connection admin', 'create user, process on *.*'],
    ['create user', 'process, connection admin on *.*'],
  ])('without the right %s it says which rights it needs', async (_, some) => {
    const issuer = anew(await rotorWith('weak', some, 'select on mysql.global_priv'));
    const own = { ...subject, issuer };
    const work = async (): Promise<unknown> => {
      const made = await make(own);
      await connection(made.value.reveal());
      return issuer.endOpenUse?.(made);
    };
    await expect(work()).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringContaining('CREATE USER, PROCESS and CONNECTION ADMIN'),
    });
  });

  test('the server learns no password of ours but its hash, and what is told outside is keyed', async () => {
    await sql("set global log_output = 'TABLE', global general_log = 1");
    const made = await make(subject);
    await accepts(subject, made);
    await subject.issuer.revoke(made);
    await sql('set global general_log = 0');
    const told = JSON.stringify(
      await sql('select convert(argument using utf8mb4) as a from mysql.general_log'),
    );
    expect(told).toContain(subject.user);
    expect(told).not.toContain(made.value.reveal());
    expect(told).not.toContain(made.credentialId);
  });

  test('limits, TLS, a lock and other ways to log in stay as they are', async () => {
    await sql(
      `alter user ${account()} identified via unix_socket or mysql_native_password using 'invalid' or unix_socket using 'it''s \\\\ odd'`,
    );
    await sql(`alter user ${account()} with max_user_connections 7 account lock`);
    const made = await make(subject);
    expect(await subject.issuer.list(subject.secret)).toMatchObject([{ disabled: true }]);
    await subject.issuer.revoke(made);
    const left = await subject.priv();
    for (const kept of ['unix_socket', "it's", 'max_user_connections', 'account_locked'])
      expect(left).toContain(kept);
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
  });

  test('a password that the account has twice goes as a whole', async () => {
    const made = await make(subject);
    const once = `mysql_native_password using password('${made.value.reveal()}')`;
    await sql(`alter user ${account()} identified via ${once} or unix_socket or ${once}`);
    await subject.issuer.revoke(made);
    expect(await logsIn(serverOf(server), subject.user, made.value.reveal())).toBe(false);
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
  });

  test('without its last password nobody gets in, with none least of all', async () => {
    const made = await make(subject);
    await subject.issuer.revoke(made);
    for (const value of ['', 'invalid', made.value.reveal()])
      expect(await logsIn(serverOf(server), subject.user, value)).toBe(false);
    expect(await accepts(subject, await make(subject))).toBe(true);
  });

  test('an account that is let in without a password is refused: a first one would lock out who gives none', async () => {
    await sql(`alter user ${account()} identified via mysql_native_password using ''`);
    expect(await codeOf(make(subject))).toBe('refused');
    expect(await logsIn(serverOf(server), subject.user, '')).toBe(true);
  });

  test('an account that is not there is not made: rotor says how', async () => {
    await sql(`drop user ${account()}`);
    await expect(make(subject)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('CREATE USER'),
    });
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
  });

  test('an account that somebody deleted has taken its passwords along: revoking them is done', async () => {
    const made = await make(subject);
    await sql(`drop user ${account()}`);
    await subject.issuer.revoke(made);
    expect(await accepts(subject, made)).toBe(false);
  });

  test('a password that the server keeps and that rotor cannot log in with is neither accepted nor refused', async () => {
    const made = await make(subject);
    await sql(`alter user ${account()} account lock`);
    expect(await codeOf(accepts(subject, made))).toBe('refused');
    await sql(`alter user ${account()} require ssl account unlock`);
    expect(await codeOf(accepts(subject, made))).toBe('refused');
    await sql(`alter user ${account()} require none with max_user_connections 1`);
    await connection(made.value.reveal());
    expect(await codeOf(accepts(subject, made))).toBe('busy');
  });

  test('a login that the server takes for another account proves nothing', async () => {
    const made = await make(subject);
    const other = `\`${subject.user}\`@'localhost'`;
    await sql(`create user ${other} identified by '${made.value.reveal()}'`);
    const work = accepts(subject, made);
    await expect(work).rejects.toMatchObject({ message: expect.stringContaining('@localhost') });
    await sql(`drop user ${other}`);
  });

  test('an ed25519 password of somebody else is listed, proven where it is the only one, and removed', async () => {
    await sql(`alter user ${account()} identified via ed25519 using password('of-old')`);
    const [found] = await subject.issuer.list(subject.secret);
    const { credentialId = '' } = found ?? {};
    const ref = { secret: subject.secret, versionId: 'v', credentialId, tag: undefined };
    const made = await make(subject);
    const verify = (text: string): Promise<boolean> =>
      accepts(subject, { ...made, ...ref, tag: made.tag, value: new SecretValue(text) });
    expect(await verify('of-old')).toBe(true);
    expect(await verify(made.value.reveal())).toBe(false);
    await subject.issuer.revoke(ref);
    expect(await logsIn(serverOf(server), subject.user, 'of-old')).toBe(false);
    expect(await accepts(subject, made)).toBe(true);
  });

  test('a session outlives its password, is listed, and is ended', async () => {
    const made = await make(subject);
    const program = await connection(made.value.reveal());
    await subject.issuer.revoke(made);
    await program.query('select 1');
    expect(await subject.issuer.openUse?.(made)).toMatchObject([
      { kind: 'session', source: { address: 'localhost' } },
    ]);
    await subject.issuer.endOpenUse?.(made);
    expect(await subject.issuer.openUse?.(made)).toEqual([]);
    await expect(program.query('select 1')).rejects.toThrow();
  });

  test('of busy sessions too it is known which began before the next password was made', async () => {
    // What was noted in its first second may be of an earlier life of the server.
    const seconds = async (): Promise<number> => {
      const [row] = await sql("show global status like 'uptime'");
      return Number((row as { readonly Value: string }).Value);
    };
    while ((await seconds()) < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    const old = await make(subject);
    const before = await connection(old.value.reveal());
    const next = await make(subject);
    const moment = new Date();
    const after = await connection(next.value.reveal());
    for (const one of [before, after]) await one.query('select 1');
    await subject.issuer.revoke(old);
    await subject.issuer.endOpenUse?.(old, moment);
    await expect(before.query('select 1')).rejects.toThrow();
    await after.query('select 1');
  });

  test('after a restart of rotor a session counts from when it was last seen to work', async () => {
    const made = await make(subject);
    const idle = await connection(made.value.reveal());
    const busy = await connection(made.value.reveal());
    await new Promise((resolve) => setTimeout(resolve, 300));
    const moment = new Date();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await busy.query('select 1');
    await anew().endOpenUse?.(made, moment);
    await expect(idle.query('select 1')).rejects.toThrow();
    await busy.query('select 1');
  });

  test('two mints at once leave both passwords', async () => {
    const made = await Promise.all([make(subject), make({ ...subject, issuer: anew() })]);
    for (const one of made) expect(await accepts(subject, one)).toBe(true);
  });

  test('its own login refused, no TLS, and a server that is away are told apart', async () => {
    const passwordFile = join(folder, 'wrong');
    writeFileSync(passwordFile, 'not-the-password', { mode: 0o600 });
    const list = (more: object) => anew(more).list(subject.secret);
    await expect(list({ passwordFile })).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringContaining("refuses rotor's own login"),
    });
    expect(await codeOf(list({ port: 1 }))).toBe('unreachable');
    expect(await codeOf(list({ tls: { caFile: join(folder, 'none.pem') } }))).toBe('not-permitted');
  });

  test('by TLS the server has to have a certificate that rotor was told to trust', async () => {
    const list = (tls: object) => anew({ tls }).list(subject.secret);
    expect(await list({ caFile: server.certificate })).toEqual([]);
    await expect(list({})).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('certificate'),
    });
  });

  test.each([
    [{ user: 'app@%' }],
    [{ user: 'app', host: "%' or" }],
    [{ user: '' }],
    [{ user: 'app', database: 'x' }],
  ])('a specification such as %j is refused when it is declared', (specification) => {
    expect(mariadbUser.specification.safeParse(specification).success).toBe(false);
  });
});
