import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createClient } from '@redis/client';
import { redisAcl, traits } from '../../issuers/redis-acl/index.js';
import { describeIssuer } from '../contracts/hold-to-issuer.js';
import { accepts, codeOf, make } from '../../conformance/subject.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { contextOf } from './context.js';
import { logsIn, prepareRedis, urlOf, type PreparedRedis } from './redis-subject.js';

let redis: AddressOf<'redis'>;
let folder: string;
beforeAll(async () => {
  redis = await target('redis');
  folder = mkdtempSync(join(tmpdir(), 'rotor-redis-'));
}, targetPatience);
afterAll(() => rmSync(folder, { recursive: true }));

describeIssuer({ name: 'redis-acl', traits }, () => prepareRedis(redis));

describe('redis-acl', () => {
  let subject: PreparedRedis;
  beforeEach(async () => {
    subject = await prepareRedis(redis);
  });
  afterEach(() => subject.close());

  async function connection(value: string) {
    const client = createClient({
      url: urlOf(redis),
      username: subject.user,
      password: value,
      name: 'pool',
      socket: { reconnectStrategy: false },
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  test('a connection outlives its password, is listed, and is ended', async () => {
    const { issuer } = subject;
    const made = await make(subject);
    const client = await connection(made.value.reveal());
    await issuer.revoke(made);
    expect(await client.ping()).toBe('PONG');
    expect(await issuer.openUse?.(made)).toMatchObject([
      { kind: 'session', source: { address: '127.0.0.1', name: 'pool' } },
    ]);
    await issuer.endOpenUse?.(made);
    expect(await issuer.openUse?.(made)).toEqual([]);
    await expect(client.ping()).rejects.toThrow();
  });

  test('connections that were opened later go on: they may be of another password', async () => {
    const { issuer } = subject;
    const [old, next] = [await make(subject), await make(subject)];
    const before = await connection(old.value.reveal());
    await pause(2_100);
    const moment = new Date();
    const after = await connection(next.value.reveal());
    await issuer.revoke(old);
    // The server's clock has gone to its next second: `after` is said to be one second old.
    await pause(1_050 - (Date.now() % 1_000));
    await issuer.endOpenUse?.(old, moment);
    await expect(before.ping()).rejects.toThrow();
    expect(await after.ping()).toBe('PONG');
    after.destroy();
  });

  test('the server learns no password of ours but its hash, and what is told outside is keyed', async () => {
    const made = await make(subject);
    const user = JSON.stringify(
      await subject.asAdmin((send) => send(['ACL', 'GETUSER', subject.user])),
    );
    expect(user).toMatch(/[0-9a-f]{64}/);
    expect(user).not.toContain(made.credentialId);
    const log = await subject.asAdmin((send) => send(['ACL', 'LIST']));
    expect(JSON.stringify(log)).not.toContain(made.value.reveal());
  });

  test('a user that anybody may log in as is refused: a first password would lock them out', async () => {
    await subject.asAdmin((send) => send(['ACL', 'SETUSER', subject.user, 'nopass']));
    expect(await codeOf(make(subject))).toBe('refused');
    expect(await logsIn(urlOf(redis), { user: subject.user, value: 'any', name: 'x' })).toBe(true);
  });

  test('a user that is not there is made where its rules are given, and only then', async () => {
    await subject.asAdmin((send) => send(['ACL', 'DELUSER', subject.user]));
    expect(await codeOf(make(subject))).toBe('refused');
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
    const specification = { user: subject.user, rules: ['~app:*', '+@read', '+ping'] };
    const made = await make({ ...subject, secret: { ...subject.secret, specification } });
    expect(await accepts(subject, made)).toBe(true);
    const client = await connection(made.value.reveal());
    await expect(client.set('app:x', '1')).rejects.toThrow('NOPERM');
    client.destroy();
  });

  test('what was made is in the file that the server starts with, and what was revoked is not', async () => {
    const kept = () => readFileSync(join(dirname(redis.passwordFile), 'users.acl'), 'utf8');
    const line = () =>
      kept()
        .split('\n')
        .find((one) => one.includes(subject.user)) ?? '';
    const made = await make(subject);
    expect(line()).toMatch(/#[0-9a-f]{64}/);
    await subject.issuer.revoke(made);
    expect(line()).not.toMatch(/#[0-9a-f]{64}/);
  });

  test('a server that cannot keep its users says so', async () => {
    const issuer = redisAcl.open(
      redisAcl.options.parse({
        urls: [urlOf(redis)],
        passwordFile: redis.passwordFile,
        keptIn: 'config',
      }),
      contextOf(subject.installation),
    );
    await expect(make({ ...subject, issuer })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('cannot write its users to its config'),
    });
  });

  test('its own login refused, and a server that is away, are told apart; nothing shows what was sent', async () => {
    const passwordFile = join(folder, 'wrong');
    writeFileSync(passwordFile, 'not-the-password', { mode: 0o600 });
    const open = (options: object) =>
      redisAcl.open(
        redisAcl.options.parse({
          urls: [urlOf(redis)],
          passwordFile: redis.passwordFile,
          ...options,
        }),
        contextOf(subject.installation),
      );
    const list = (options: object) => open(options).list(subject.secret);
    await expect(list({ passwordFile })).rejects.toMatchObject({
      code: 'not-permitted',
      message: "the server refuses rotor's own login",
    });
    expect(await codeOf(list({ urls: ['redis://127.0.0.1:1'] }))).toBe('unreachable');
  });

  test('a server that is away keeps no value alive on those that are named after it', async () => {
    const made = await make(subject);
    const urls = ['redis://127.0.0.1:1', urlOf(redis)];
    const issuer = redisAcl.open(
      redisAcl.options.parse({ urls, passwordFile: redis.passwordFile }),
      contextOf(subject.installation),
    );
    expect(await codeOf(issuer.revoke(made))).toBe('unreachable');
    expect(await accepts(subject, made)).toBe(false);
  });

  test('a right that is missing is named', async () => {
    await subject.asAdmin((send) =>
      send(['ACL', 'SETUSER', 'weak', 'on', '>weak-password', '+ping', '~*']),
    );
    const passwordFile = join(folder, 'weak');
    writeFileSync(passwordFile, 'weak-password', { mode: 0o600 });
    const options = { urls: [urlOf(redis)], user: 'weak', passwordFile };
    const issuer = redisAcl.open(redisAcl.options.parse(options), contextOf(subject.installation));
    expect(await codeOf(issuer.list(subject.secret))).toBe('not-permitted');
  });
});
