import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { webhook } from '../../connectors/webhook/index.js';
import type { Connector } from '../../domain/connector.js';
import { certificateFor } from './certificate.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';
import { openReceiver, type Receiver } from './receiver.js';

const key = 'key-that-both-sides-know';

function openWith(folder: Folder, more: Record<string, unknown> = {}): Connector {
  const keyFile = folder.file('key');
  writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
  return webhook.open(webhook.options.parse({ keyFile, timeoutMs: 300, ...more }));
}

holdToConnectorContract('webhook', async () => {
  const folder = newFolder();
  const receiver = await openReceiver(key);
  const closed = await openReceiver(key);
  await closed.close();
  return {
    connector: openWith(folder, { timeoutMs: 5_000 }),
    place: () => Promise.resolve(destinationAt({ url: receiver.url(randomUUID()) })),
    absent: () => Promise.resolve(destinationAt({ url: closed.url('missing') })),
    plant: undefined,
    close: async () => {
      await receiver.close();
      folder.remove();
    },
  };
});

describe('webhook', () => {
  let folder: Folder;
  let receiver: Receiver;
  beforeEach(async () => {
    folder = newFolder();
    receiver = await openReceiver(key);
  });
  afterEach(async () => {
    await receiver.close();
    folder.remove();
  });

  test('sends the value with its version, an id of the delivery and the time', async () => {
    const delivery = deliveryOf(destinationAt({ url: receiver.url('hook?x=1') }), 'the value');
    await openWith(folder).deliver(delivery);
    await openWith(folder).deliver(delivery);
    const [first, second] = receiver.requests;
    expect(first).toMatchObject({ path: '/hook?x=1', method: 'POST' });
    expect(first?.body).toEqual({
      version: delivery.version.versionId,
      value: 'the value',
      deliveryId: expect.any(String) as unknown,
      sentAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as unknown,
    });
    expect(second?.body['deliveryId']).not.toBe(first?.body['deliveryId']);
    for (const one of receiver.requests) expect(one.delivery).toBe(one.body['deliveryId']);
  });

  test('a receiver with another key refuses', async () => {
    const connector = openWith(folder);
    const other = await openReceiver('another key');
    try {
      const delivery = deliveryOf(destinationAt({ url: other.url('x') }), 'never-told');
      await expect(connector.deliver(delivery)).rejects.toMatchObject({ code: 'refused' });
    } finally {
      await other.close();
    }
  });

  const reply =
    (status: number, body: string | Buffer, headers: Record<string, string> = {}) =>
    (response: ServerResponse) => {
      response.writeHead(status, headers).end(body);
    };
  const failures: [string, string, (response: ServerResponse) => void][] = [
    ['refuses', 'refused', reply(403, 'never-told')],
    ['does not know the place', 'refused', reply(404, '')],
    ['asks to wait', 'busy', reply(429, '')],
    ['fails', 'unreachable', reply(500, 'never-told')],
    ['is not there yet', 'unreachable', reply(503, '')],
    ['answers no JSON', 'bad-reply', reply(200, 'never-told')],
    ['answers nothing', 'bad-reply', reply(204, '')],
    ['answers something else', 'bad-reply', reply(200, '{"ok": true}')],
    ['answers with 10 MB', 'bad-reply', reply(200, Buffer.alloc(10_000_000, 'x'))],
    ['uses another version', 'wrong-version', reply(200, '{"uses": "another"}')],
    ['uses none', 'wrong-version', reply(200, '{"uses": null}')],
    ['never answers', 'timed-out', () => undefined],
    [
      'never ends its answer',
      'timed-out',
      (response) => {
        response.writeHead(200);
        response.write('{"uses"');
      },
    ],
    ['hangs up', 'unreachable', (response) => response.destroy()],
    [
      'hangs up half way',
      'unreachable',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"uses"', () => response.destroy());
      },
    ],
  ];
  test.each(failures)('a receiver that %s: %s', async (_, code, answer) => {
    receiver.answer = answer;
    const delivery = deliveryOf(destinationAt({ url: receiver.url('x') }), 'never-told');
    const error: unknown = await openWith(folder)
      .deliver(delivery)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'AdapterError', code });
    expect(inspect(error)).not.toContain('never-told');
  });

  test('an answer of more than 64 KiB is none, whatever it says', async () => {
    const delivery = deliveryOf(destinationAt({ url: receiver.url('x') }), 'value');
    const saying = (size: number): string => {
      const begin = `{"uses": "${delivery.version.versionId}", "and": "`;
      return `${begin}${'x'.repeat(size - begin.length - 2)}"}`;
    };
    receiver.answer = reply(200, saying(64 * 1024));
    await openWith(folder).deliver(delivery);
    for (const size of [64 * 1024 + 1, 10_000_000]) {
      receiver.answer = reply(200, saying(size));
      await expect(openWith(folder).deliver(delivery)).rejects.toMatchObject({ code: 'bad-reply' });
    }
  });

  describe('by HTTPS', () => {
    const certified = certificateFor('receiver.test');
    let secured: Receiver;
    beforeEach(async () => {
      secured = await openReceiver(key, certified);
    });
    afterEach(() => secured.close());

    test('sends nothing to a server that nobody vouches for', async () => {
      const connector = openWith(folder, { timeoutMs: 5_000 });
      const delivery = deliveryOf(destinationAt({ url: secured.url('x') }), 'never-told');
      await expect(connector.deliver(delivery)).rejects.toMatchObject({ code: 'unreachable' });
      expect(secured.requests).toEqual([]);
    });

    test('delivers to one whose certificate the machine trusts', async () => {
      openWith(folder);
      writeFileSync(folder.file('trusted.pem'), certified.cert);
      const order = {
        kind: 'webhook',
        options: { keyFile: folder.file('key') },
        address: { url: secured.url('x') },
        size: 10,
      };
      const program = join(import.meta.dirname, 'connector-process.js');
      const child = spawn(process.execPath, [program, JSON.stringify(order)], {
        env: { ...process.env, NODE_EXTRA_CA_CERTS: folder.file('trusted.pem') },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      expect(await text(child.stdout)).toBe('ready\ndelivered\n');
      expect(secured.requests.map(({ value }) => value)).toEqual(['b'.repeat(10)]);
    });
  });

  test('does not follow a redirect', async () => {
    const elsewhere = await openReceiver(key);
    try {
      receiver.answer = reply(307, '', { location: elsewhere.url('x') });
      const delivery = deliveryOf(destinationAt({ url: receiver.url('x') }), 'value');
      await expect(openWith(folder).deliver(delivery)).rejects.toMatchObject({ code: 'refused' });
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  test('stops when it is told to', async () => {
    receiver.answer = () => undefined;
    const stop = new AbortController();
    const destination = destinationAt({ url: receiver.url('x') });
    const delivery = { ...deliveryOf(destination, 'value'), signal: stop.signal };
    setTimeout(() => {
      stop.abort();
    }, 50);
    const begin = performance.now();
    const connector = openWith(folder, { timeoutMs: 60_000 });
    await expect(connector.deliver(delivery)).rejects.toMatchObject({ code: 'timed-out' });
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  test('a version that rotor does not know is attested, and held by none', async () => {
    receiver.answer = reply(200, '{"uses": "unknown"}');
    const held = await openWith(folder).held(destinationAt({ url: receiver.url('x') }), []);
    expect(held).toEqual({ versionIds: [], unknown: [], attests: 'unknown' });
  });

  test.each([
    'https://10.0.0.1/',
    'https://192.168.1.1/',
    'https://172.16.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.100.100.200/',
    'https://0.0.0.0/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[64:ff9b::a00:1]/',
    'https://[::10.0.0.1]/',
    'https://[2002:a00:1::]/',
    'https://[4000::1]/',
    'https://167772161/',
    'http://198.41.0.4/',
  ])('does not reach %s', async (url) => {
    const delivery = deliveryOf(destinationAt({ url }), 'value');
    await expect(openWith(folder).deliver(delivery)).rejects.toMatchObject({
      code: 'not-permitted',
    });
  });

  test('reaches this machine by name', async () => {
    const url = receiver.url('x').replace('127.0.0.1', 'localhost');
    await openWith(folder).deliver(deliveryOf(destinationAt({ url }), 'value'));
    expect(receiver.requests).toHaveLength(1);
  });

  test.each([
    'ftp://example.org/',
    'https://user:word@example.org/',
    'https://example.org/#x',
    'x',
  ])('%s is no address', (url) => {
    expect(webhook.address.safeParse({ url }).success).toBe(false);
  });

  test('every spelling of a place has the same identity', () => {
    const options = webhook.options.parse({ keyFile: '/key' });
    const urls = [
      'https://example.org/a',
      'HTTPS://EXAMPLE.org:443/a',
      'https://example.org/b/../a',
    ];
    expect(new Set(urls.map((url) => webhook.identity({ url }, options))).size).toBe(1);
  });

  test('does not open with a key that others can read', () => {
    openWith(folder);
    chmodSync(folder.file('key'), 0o640);
    const options = webhook.options.parse({ keyFile: folder.file('key') });
    expect(() => webhook.open(options)).toThrow(expect.objectContaining({ code: 'not-permitted' }));
  });
  test('does not open with a key that could be guessed', () => {
    openWith(folder);
    writeFileSync(folder.file('key'), 'short\n');
    const options = webhook.options.parse({ keyFile: folder.file('key') });
    expect(() => webhook.open(options)).toThrow(expect.objectContaining({ code: 'not-permitted' }));
  });
});
