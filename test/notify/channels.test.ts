import { createHmac, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ToldEvent } from '../../domain/told-event.js';
import { channelKinds } from '../../infra/notify/index.js';
import type { Channel, Message } from '../../infra/notify/kind.js';
import { packageRoot } from '../../infra/package-root.js';
import { check } from '../../schemas/problems.js';
import { certificateFor } from '../connectors/certificate.js';
import { serveMail, takePosts } from './receiving.js';

const folder = mkdtempSync(join(tmpdir(), 'rotor-notify-'));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;

function fileOf(text: string, mode = 0o600): string {
  const file = join(folder, randomUUID());
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
  return file;
}

function open(name: string, options: object): Channel {
  const kind = channelKinds.find((one) => one.kind === name);
  if (kind === undefined) throw new Error(`no kind ${name}`);
  const checked = check(kind.options, options);
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return kind.open(checked.value as never);
}

function eventOf(about: Partial<ToldEvent> = {}): ToldEvent {
  return {
    id: randomUUID(),
    kind: 'blocked',
    severity: 'warning',
    code: 'issuer-failed',
    organization: 'acme',
    secret: 'acme/api',
    owner: 'team',
    run: '0123456789abcdef',
    message: 'the issuer refuses rotor',
    count: 1,
    at: new Date(),
    ...about,
  };
}

const single = (about?: Partial<ToldEvent>): Message => {
  const event = eventOf(about);
  return { id: event.id, events: [event] };
};

describe('over HTTP', () => {
  let receiver: Awaited<ReturnType<typeof takePosts>>;
  beforeAll(async () => {
    receiver = await takePosts();
  });
  afterAll(() => receiver.close());
  const key = 'a key that nobody guesses';
  const webhook = () => open('webhook', { url: receiver.url, keyFile: fileOf(key) });
  const chat = (kind: string) =>
    open(kind, { urlFile: fileOf(`${receiver.url}\n`), timeoutMs: 300 });
  const last = () => receiver.posts.at(-1);

  test('a webhook is signed over time and body, and says what to do', async () => {
    const message = single();
    await webhook().send(message, never);
    const { headers, body = '' } = last() ?? {};
    const [, time, mac] = /^t=(\d+),v1=(\w+)$/.exec(String(headers?.['rotor-signature'])) ?? [];
    expect(mac).toBe(createHmac('sha256', key).update(`${time}.${body}`).digest('hex'));
    expect(headers?.['rotor-event']).toBe(message.id);
    expect(JSON.parse(body)).toMatchObject({
      id: message.id,
      events: [
        {
          kind: 'blocked',
          secret: 'acme/api',
          command: 'rotor watch 01234567',
          runbook: 'docs/runbook.md#issuer-failed',
        },
      ],
    });
  });

  test("the signature's check that the documentation shows takes it, and nothing else", async () => {
    const page = readFileSync(join(packageRoot(), 'docs', 'notifications.md'), 'utf8');
    const code = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const module = `data:text/javascript,${encodeURIComponent(code)}`;
    const { isFromRotor } = (await import(module)) as {
      isFromRotor: (header: string, body: string, key: string) => boolean;
    };
    await webhook().send(single(), never);
    const { headers, body = '' } = last() ?? {};
    const header = String(headers?.['rotor-signature']);
    expect(isFromRotor(header, body, key)).toBe(true);
    expect(isFromRotor(header, `${body} `, key)).toBe(false);
    expect(isFromRotor(header, body, 'another key, also long')).toBe(false);
    expect(isFromRotor('undefined', body, key)).toBe(false);
    const old = `${Math.floor(Date.now() / 1_000) - 3_600}`;
    const mac = createHmac('sha256', key).update(`${old}.${body}`).digest('hex');
    expect(isFromRotor(`t=${old},v1=${mac}`, body, key)).toBe(false);
  });

  test('what others wrote is no markup in Slack, nor in Teams', async () => {
    const message = single({ message: 'used by <!channel> [x](http://evil.test)\u001b[2J' });
    await chat('slack').send(message, never);
    const said = JSON.parse(last()?.body ?? '') as { text: string; blocks: { text?: unknown }[] };
    expect(said.text).toBe('warning: acme/api is blocked: issuer-failed');
    expect(said.blocks.map(({ text }) => text)).toEqual([
      { type: 'plain_text', text: 'warning: acme/api is blocked: issuer-failed', emoji: false },
      {
        type: 'plain_text',
        text: expect.stringContaining('used by <!channel> [x](http://evil.test) [2J'),
        emoji: false,
      },
      undefined,
    ]);
    await chat('teams').send(message, never);
    const { type, attachments } = JSON.parse(last()?.body ?? '') as {
      type: string;
      attachments: { contentType: string; content: { type: string; body: { type: string }[] } }[];
    };
    expect(type).toBe('message');
    expect(attachments[0]).toMatchObject({
      contentType: 'application/vnd.microsoft.card.adaptive',
      content: { type: 'AdaptiveCard', version: '1.4' },
    });
    const blocks = new Set(attachments[0]?.content.body.map((one) => one.type));
    expect(blocks).toEqual(new Set(['RichTextBlock']));
  });

  test('a digest is grouped by secret, and fits whatever is in it', async () => {
    const two = [eventOf(), eventOf({ secret: 'acme/other' }), eventOf({ count: 3 })];
    await chat('slack').send({ id: 'digest', events: two }, never);
    const said = last()?.body ?? '';
    expect(JSON.parse(said)).toMatchObject({ text: '3 events of 2 secrets' });
    expect(said).toContain('acme/api is blocked: issuer-failed, 3 times');
    const many = Array.from({ length: 200 }, (_, at) =>
      eventOf({ secret: `acme/secret-${at % 60}`, message: 'x'.repeat(10_000) }),
    );
    await chat('teams').send({ id: 'digest', events: many }, never);
    expect(last()?.body.length).toBeLessThan(28_000);
    expect(last()?.body).toContain('and 40 secrets more');
  });

  test.each([
    ['of four bytes each', '😀'],
    ['that JSON escapes', '"'],
    ['that are markup', '&'],
  ])('a digest of characters %s fits, too', async (_what, sign) => {
    const events = Array.from({ length: 200 }, (_, at) =>
      eventOf({ secret: `acme/secret-${at % 25}`, message: `x${sign.repeat(1_000)}` }),
    );
    await chat('teams').send({ id: 'digest', events }, never);
    expect(Buffer.byteLength(last()?.body ?? '')).toBeLessThan(28_000);
    expect(last()?.body).toContain('and 5 secrets more');
    await chat('slack').send({ id: 'digest', events }, never);
    const { blocks } = JSON.parse(last()?.body ?? '') as { blocks: { text?: { text: string } }[] };
    const texts = blocks.map(({ text }) => text?.text ?? '');
    const counted = texts.map((text) => text.replaceAll('&', '&amp;').length);
    expect(Math.max(...counted)).toBeLessThanOrEqual(3_000);
    expect(Math.max(...counted)).toBeGreaterThan(1_500);
    // No character in halves.
    expect(texts.join('')).not.toMatch(/\p{Surrogate}/u);
  });

  test('what is told alone is told whole: a long message, and what to do', async () => {
    const message = single({ message: 'ä'.repeat(400), kind: 'finding', code: 'revoked-use' });
    await chat('teams').send(message, never);
    const said = last()?.body ?? '';
    expect(said).toContain('to do: look who it is: a dependent that was forgotten');
    expect(said).toContain('look: rotor watch 01234567 (docs/runbook.md#revoked-use)');
    await webhook().send(message, never);
    expect(JSON.parse(last()?.body ?? '')).toMatchObject({
      events: [{ todo: expect.stringContaining('look who it is') }],
    });
  });

  test('another secret in its file is used from the next message on', async () => {
    const keyFile = fileOf(key);
    const signed = open('webhook', { url: receiver.url, keyFile });
    await signed.send(single(), never);
    writeFileSync(keyFile, 'another key, also long');
    await signed.send(single(), never);
    const { headers, body = '' } = last() ?? {};
    const [, time, mac] = /^t=(\d+),v1=(\w+)$/.exec(String(headers?.['rotor-signature'])) ?? [];
    const wanted = createHmac('sha256', 'another key, also long').update(`${time}.${body}`);
    expect(mac).toBe(wanted.digest('hex'));
    const urlFile = fileOf('http://127.0.0.1:9/gone');
    const slack = open('slack', { urlFile });
    await expect(slack.send(single(), never)).rejects.toMatchObject({ code: 'unreachable' });
    writeFileSync(urlFile, receiver.url);
    await slack.send(single(), never);
  });

  test.each([
    [500, 'unreachable'],
    [429, 'busy'],
    [404, 'refused'],
  ])('HTTP %i is told as %s', async (status, code) => {
    receiver.behaviour.status = status;
    await expect(webhook().send(single(), never)).rejects.toMatchObject({ code });
    receiver.behaviour.status = 200;
  });

  test('who does not answer is given up in time', async () => {
    receiver.behaviour.silent = true;
    await expect(chat('slack').send(single(), never)).rejects.toMatchObject({ code: 'timed-out' });
    receiver.behaviour.silent = false;
  });

  test('a check sends nothing, and keys that others can read are refused', async () => {
    const before = receiver.posts.length;
    expect(await webhook().check(never)).toMatch(/^signed, to 127\.0\.0\.1:/);
    expect(receiver.posts).toHaveLength(before);
    const keyFile = fileOf(key, 0o644);
    const others = open('webhook', { url: receiver.url, keyFile });
    await expect(others.check(never)).rejects.toThrow('chmod 600');
    await expect(others.send(single(), never)).rejects.toThrow('chmod 600');
    const inside = open('webhook', { url: 'https://10.0.0.1/', keyFile: fileOf(key) });
    await expect(inside.check(never)).rejects.toMatchObject({ code: 'not-permitted' });
  });
});

describe('by mail', () => {
  const mailed = { host: '127.0.0.1', from: 'rotor@acme.test', to: ['ops@acme.test'] };

  test('text, with an id that stays the same', async () => {
    const server = await serveMail();
    const smtp = open('smtp', { ...mailed, port: server.port, tls: 'none' });
    expect(await smtp.check(never)).toContain('to ops@acme.test');
    expect(server.mails).toEqual([]);
    const message = single();
    await smtp.send(message, never);
    await smtp.send(message, never);
    await server.close();
    expect(server.mails).toHaveLength(2);
    for (const mail of server.mails) {
      expect(mail).toContain(`Message-ID: <${message.id}@rotor>`);
      expect(mail).toContain('Subject: [rotor] warning: acme/api is blocked: issuer-failed');
      expect(mail).toContain('to do: rotor watch 01234567 (docs/runbook.md#issuer-failed)');
    }
  });

  test('a password goes to a server whose certificate is trusted, and to no other', async () => {
    const certified = certificateFor('localhost');
    const server = await serveMail({ password: 'secret', certified });
    const login = { ...mailed, port: server.port, user: 'rotor' };
    const caFile = fileOf(certified.cert);
    const known = open('smtp', { ...login, passwordFile: fileOf('secret'), caFile });
    await known.send(single(), never);
    expect(server.mails).toHaveLength(1);
    const strange = open('smtp', { ...login, passwordFile: fileOf('secret') });
    await expect(strange.send(single(), never)).rejects.toMatchObject({ code: 'unreachable' });
    expect(server.mails).toHaveLength(1);
    const passwordFile = fileOf('wrong');
    const wrong = open('smtp', { ...login, passwordFile, caFile });
    await expect(wrong.check(never)).rejects.toMatchObject({
      message: 'the mail server refuses the user or the password',
    });
    writeFileSync(passwordFile, 'secret');
    await wrong.send(single(), never);
    expect(server.mails).toHaveLength(2);
    await server.close();
  });

  test('a server that offers no TLS is sent nothing, unless that was said', async () => {
    const server = await serveMail();
    const smtp = open('smtp', { ...mailed, port: server.port });
    await expect(smtp.send(single(), never)).rejects.toMatchObject({ code: 'not-permitted' });
    expect(server.mails).toEqual([]);
    await server.close();
  });

  test('a server that is down', async () => {
    const server = await serveMail();
    await server.close();
    const smtp = open('smtp', { ...mailed, port: server.port, tls: 'none' });
    await expect(smtp.send(single(), never)).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('by a command', () => {
  test('it gets the events on its standard input, and nothing of this environment', async () => {
    const out = join(folder, 'out');
    const executable = fileOf(`#!/bin/sh\n{ cat; echo; env; } > "$1"\n`, 0o700);
    process.env['ROTOR_TEST_SECRET'] = 'not for programs';
    const message = single();
    const command = open('command', { executable, arguments: [out], environment: { TO: 'ops' } });
    await command.send(message, never);
    delete process.env['ROTOR_TEST_SECRET'];
    const [json = '', ...environment] = readFileSync(out, 'utf8').split('\n');
    expect(JSON.parse(json)).toMatchObject({ id: message.id, events: [{ secret: 'acme/api' }] });
    expect(environment).toContain('TO=ops');
    expect(environment.join()).not.toContain('not for programs');
  });

  test('one that fails, and one that is not there', async () => {
    const failing = open('command', { executable: fileOf('#!/bin/sh\nexit 3\n', 0o700) });
    await expect(failing.send(single(), never)).rejects.toThrow('exit code 3');
    const missing = open('command', { executable: join(folder, 'missing') });
    await expect(missing.check(never)).rejects.toMatchObject({ code: 'not-found' });
  });

  test.each([
    ['that others may write', 0o722],
    ['that nobody may start', 0o600],
  ])('one %s is refused when it is looked at, as when it is needed', async (_what, mode) => {
    const unfit = open('command', { executable: fileOf('#!/bin/sh\n', mode) });
    const refused = await unfit.send(single(), never).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'not-permitted' });
    await expect(unfit.check(never)).rejects.toEqual(refused);
  });
});
