import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SecretValue } from '../../domain/secret-value.js';
import { traits } from '../../issuers/rabbitmq-user/index.js';
import { describeIssuer } from '../contracts/hold-to-issuer.js';
import { accepts, codeOf, listed, make, ordered, usesOf } from '../../conformance/subject.js';
import { eventually } from '../faults/installation.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { leakingServer, toldBy } from './leaking-server.js';
import { connection, prepareRabbit, type PreparedRabbit } from './rabbitmq-subject.js';

let rabbit: AddressOf<'rabbitmq'>;
let folder: string;
beforeAll(async () => {
  rabbit = await target('rabbitmq');
  folder = mkdtempSync(join(tmpdir(), 'rotor-rabbitmq-'));
}, targetPatience);
afterAll(() => rmSync(folder, { recursive: true }));

describeIssuer({ name: 'rabbitmq-user', traits }, () => prepareRabbit(rabbit));

describe('rabbitmq-user', () => {
  let subject: PreparedRabbit;
  beforeEach(async () => {
    subject = await prepareRabbit(rabbit);
  });
  afterEach(() => subject.close());

  const fileOf = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };

  /** The template as programs used it before rotor came. */
  const before = async () => {
    const [password, vhost] = ['before-rotor', encodeURIComponent(subject.vhost)];
    await subject.ask('PUT', `users/${subject.user}`, { password, tags: 'team-a' });
    const url = `${rabbit.host}:${String(rabbit.port)}/${vhost}`;
    return { url: `amqp://${subject.user}:${password}@${url}` };
  };

  test('a version may do what its template may, and its tag grants nothing', async () => {
    const made = await make(subject);
    const user = made.credentialId;
    const [{ body: template }, { body: version }] = [
      await subject.ask('GET', `users/${subject.user}`),
      await subject.ask('GET', `users/${user}`),
    ];
    expect(version).toMatchObject({ limits: { 'max-connections': 20 } });
    expect(template).toMatchObject({ tags: ['team-a'] });
    expect(version).toMatchObject({ tags: ['team-a', `rotor:${made.tag}`] });
    for (const what of ['permissions', 'topic-permissions']) {
      const [wanted, found] = [
        await subject.ask('GET', `users/${subject.user}/${what}`),
        await subject.ask('GET', `users/${user}/${what}`),
      ];
      expect(wanted.body).toHaveLength(1);
      expect(found.body).toEqual([{ ...(wanted.body as object[])[0], user }]);
    }
    const { password } = new URL(made.value.reveal());
    const login = Buffer.from(`${user}:${password}`).toString('base64');
    const headers = { authorization: `Basic ${login}` };
    const asked = await fetch(`${rabbit.url}/api/whoami`, { headers });
    expect([asked.status, await asked.json()]).toEqual([
      401,
      { error: 'not_authorised', reason: 'Not management user' },
    ]);
  });

  test('a version that may do something else than its template says so', async () => {
    const made = await make(subject);
    const path = `permissions/${encodeURIComponent(subject.vhost)}/${made.credentialId}`;
    expect((await listed(subject, made))?.rights).toEqual({ user: subject.user });
    await subject.ask('PUT', path, { configure: '.*', write: '.*', read: '.*' });
    expect((await listed(subject, made))?.rights).toEqual({
      user: `unlike ${subject.user} in permissions at ${subject.vhost}`,
    });
  });

  test('a second mint of the same version replaces no value', async () => {
    const { issuer, secret } = subject;
    const made = await make(subject);
    const { versionId, tag } = made;
    const again = issuer.mint({ secret, versionId, tag, expiresAt: undefined });
    expect(await codeOf(again)).toBe('changed-meanwhile');
    expect(await accepts(subject, made)).toBe(true);
  });

  test('an open connection is seen, by its address within moments and by its name soon; a probe is not', async () => {
    const { issuer } = subject;
    const made = await make(subject);
    const program = await connection(made.value.reveal(), 'stranger');
    await eventually(async () => (await issuer.openUse?.(made))?.length === 1);
    expect(await issuer.openUse?.(made)).toMatchObject([
      { kind: 'session', source: { address: '127.0.0.1' } },
    ]);
    // Statistics come every five seconds.
    let uses = await usesOf(subject, made);
    while (uses.length === 0) {
      expect(await accepts(subject, made)).toBe(true);
      await pause(200);
      uses = await usesOf(subject, made);
    }
    expect(uses).toMatchObject([
      { outcome: 'accepted', source: { address: '127.0.0.1', name: 'stranger' } },
    ]);
    expect(await issuer.openUse?.(made)).toMatchObject([{ source: { name: 'stranger' } }]);
    await program.close();
  });

  test('what has been revoked is closed, and those of other versions go on', async () => {
    const { issuer } = subject;
    const [old, next] = [await make(subject), await make(subject)];
    const [gone, kept] = [
      await connection(old.value.reveal(), 'old'),
      await connection(next.value.reveal(), 'next'),
    ];
    const closed = once(gone, 'close');
    await issuer.revoke(old);
    await closed;
    expect(await issuer.openUse?.(old)).toEqual([]);
    expect(await issuer.openUse?.(next)).toHaveLength(1);
    await (await kept.createChannel()).close();
    await issuer.endOpenUse?.(next);
    expect(await issuer.openUse?.(next)).toEqual([]);
  });

  test('the template is a credential while it has a password; its revoke takes that, and closes what outlives it', async () => {
    const { issuer, secret, user } = subject;
    const { url } = await before();
    const ref = { secret, versionId: 'adopted', credentialId: user, tag: undefined };
    expect(await issuer.list(secret)).toMatchObject([
      { credentialId: user, tag: { kind: 'none' } },
    ]);
    await issuer.verify(ref, new SecretValue(url), 'mark');
    const program = await connection(url, 'program');
    await subject.ask('PUT', `users/${user}`, { password_hash: '', tags: 'team-a' });
    // Alive: the server closes nothing where a password goes.
    await (await program.createChannel()).close();
    const closed = once(program, 'close');
    await issuer.revoke(ref);
    await closed;
    expect(await issuer.list(secret)).toEqual([]);
    expect(await codeOf(issuer.verify(ref, new SecretValue(url), 'mark'))).toBe(
      'credential-refused',
    );
    const { body } = await subject.ask('GET', `users/${user}`);
    expect(body).toMatchObject({ tags: ['team-a'], limits: { 'max-connections': 20 } });
    expect(await accepts(subject, await make(subject))).toBe(true);
  });

  test('users of other names are nobody of this secret, and are never touched', async () => {
    const { issuer, secret, user } = subject;
    for (const name of [`${user}_admin`, `${user}_0123456789abc`])
      await subject.ask('PUT', `users/${name}`, { password: 'x', tags: '' });
    expect(await issuer.list(secret)).toEqual([]);
    const ref = { secret, versionId: 'x', credentialId: `${user}_admin`, tag: undefined };
    expect(await codeOf(issuer.revoke(ref))).toBe('not-ours');
    expect((await subject.ask('GET', `users/${user}_admin`)).status).toBe(200);
  });

  test('what somebody else deleted is gone, and a template that is not there is said', async () => {
    const made = await make(subject);
    await subject.ask('DELETE', `users/${made.credentialId}`);
    await subject.issuer.revoke(made);
    expect(await accepts(subject, made)).toBe(false);
    await subject.ask('DELETE', `users/${subject.user}`);
    await expect(make(subject)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(`RabbitMQ has no user ${subject.user}`),
    });
    expect(await subject.issuer.list(subject.secret)).toEqual([]);
  });

  test('a virtual host that the user may not enter is no refused password', async () => {
    const made = await make(subject);
    const specification = { user: subject.user, vhost: '/' };
    const elsewhere = { ...made, secret: { ...subject.secret, specification } };
    await expect(
      subject.issuer.verify(elsewhere, made.value, ordered(subject).versionId),
    ).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('takes the login and does not open virtual host /'),
    });
  });

  test('a wrong login of its own, a missing right and a server that is away are told apart', async () => {
    const { secret } = subject;
    const wrong = { passwordFile: fileOf('wrong', 'not-the-password') };
    await expect(subject.open(wrong).list(secret)).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringContaining(`refuses rotor's own login as ${rabbit.user}`),
    });
    const user = `${subject.user}-monitor`;
    await subject.ask('PUT', `users/${user}`, { password: 'weak-password', tags: 'monitoring' });
    const weak = { user, passwordFile: fileOf('weak', 'weak-password') };
    await expect(subject.open(weak).list(secret)).rejects.toMatchObject({
      code: 'not-permitted',
      message: `RabbitMQ lets user ${user} not do this: it needs the tag administrator`,
    });
    const away = { url: 'http://127.0.0.1:1' };
    expect(await codeOf(subject.open(away).list(secret))).toBe('unreachable');
    const made = await make(subject);
    const deaf = subject.open({ amqpUrl: 'amqp://127.0.0.1:1' });
    expect(await codeOf(deaf.verify(made, made.value, 'mark'))).toBe('unreachable');
  });

  test('nothing that the server says in words goes on', async () => {
    const planted = `planted-${ordered(subject).versionId}`;
    const server = await leakingServer();
    const issuer = subject.open({ url: server.url });
    const made = await make(subject);
    const answers: [number, string][] = [
      [400, JSON.stringify({ error: 'bad_request', reason: planted })],
      [401, JSON.stringify({ error: 'not_authorised', reason: planted })],
      [500, planted],
      [200, planted],
      [200, JSON.stringify({ name: planted, password_hash: [planted] })],
    ];
    for (const [status, body] of answers) {
      server.answer(status, body);
      for (const work of [
        issuer.list(subject.secret),
        issuer.mint({ ...made, expiresAt: undefined }),
        issuer.revoke(made),
        issuer.endOpenUse?.(made),
      ]) {
        const told = await toldBy(work);
        expect(told).toContain('AdapterError');
        expect(told).not.toContain(planted);
      }
    }
    server.close();
  });
});
