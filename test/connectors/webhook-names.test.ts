import { randomUUID } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';
import { openReceiver, type Receiver } from './receiver.js';

/** What the DNS says, name by name; each answer in turn, the last one for ever. The machine's own knows none of them. */
const answers = new Map<string, string[][]>();

jest.unstable_mockModule('node:dns/promises', () => ({
  lookup: (name: string): Promise<LookupAddress[]> => {
    const given = answers.get(name);
    const now = (given !== undefined && given.length > 1 ? given.shift() : given?.[0]) ?? [];
    return Promise.resolve(
      now.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  },
}));
const { webhook } = await import('../../connectors/webhook/index.js');

const key = 'key-that-both-sides-know';

describe('a webhook that is reached by name', () => {
  let folder: Folder;
  let receiver: Receiver;
  let port: string;
  beforeEach(async () => {
    answers.clear();
    folder = newFolder();
    writeFileSync(folder.file('key'), key, { mode: 0o600 });
    receiver = await openReceiver(key);
    ({ port } = new URL(receiver.url('')));
  });
  afterEach(async () => {
    await receiver.close();
    folder.remove();
  });

  function deliver(url: string, allowHosts: readonly string[] = []): Promise<void> {
    const options = { keyFile: folder.file('key'), allowHosts, timeoutMs: 500 };
    const connector = webhook.open(webhook.options.parse(options));
    return connector.deliver(deliveryOf(destinationAt({ url }), 'value'));
  }

  /** A name of its own for each, so that no connection is used again. */
  function named(...given: string[][]): string {
    const name = `r-${randomUUID()}.test`;
    answers.set(name, given);
    return name;
  }

  test('connects to the address that was checked, and asks no second time', async () => {
    const host = named(['127.0.0.1'], ['10.0.0.1']);
    await deliver(`http://${host}:${port}/x`);
    expect(receiver.requests.map((request) => request.host)).toEqual([`${host}:${port}`]);
    await expect(deliver(`http://${host}:${port}/x`)).rejects.toMatchObject({
      code: 'not-permitted',
    });
  });

  test.each([
    ['a private one', 'https', ['10.0.0.1']],
    ['a public one and a private one', 'https', ['198.41.0.4', '10.0.0.1']],
    ['a public one and this machine', 'https', ['198.41.0.4', '127.0.0.1']],
    ['the metadata service of a cloud', 'https', ['169.254.169.254']],
    ['a unique local one', 'https', ['fd00::1']],
    ['this machine and a public one, by plain HTTP', 'http', ['127.0.0.1', '198.41.0.4']],
  ])('does not reach one whose addresses are %s', async (_, scheme, addresses) => {
    const url = `${scheme}://${named(addresses)}:${port}/x`;
    await expect(deliver(url)).rejects.toMatchObject({ code: 'not-permitted' });
    expect(receiver.requests).toEqual([]);
  });

  test('reaches a private address where its name is allowed, in any case, and never by plain HTTP', async () => {
    const mixed = ['127.0.0.1', '10.0.0.1'];
    const host = named(mixed);
    const [url, plain] = ['https', 'http'].map((scheme) => `${scheme}://${host}:${port}/x`);
    await expect(deliver(url ?? '')).rejects.toMatchObject({ code: 'not-permitted' });
    // The receiver speaks no TLS: that it was tried is all that shows here.
    await expect(deliver(url ?? '', [host.toUpperCase()])).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:unreachable|timed-out)$/) as unknown,
    });
    await expect(deliver(plain ?? '', [host])).rejects.toMatchObject({ code: 'not-permitted' });
    expect(receiver.requests).toEqual([]);
  });

  test('a name that nobody has', async () => {
    await expect(deliver('https://nobody.test/x')).rejects.toMatchObject({ code: 'unreachable' });
  });
});
