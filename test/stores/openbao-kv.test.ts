import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import { openbaoKv } from '../../stores/openbao-kv/index.js';
import { baoAdmin, type BaoAdmin } from '../connectors/bao-places.js';
import { storeContract } from '../contracts/store.js';
import { inFrontOf, openFront } from '../issuers/aws-answers.js';
import { ownTarget, target, targetPatience } from '../targets/client.js';
import { noContext } from './context.js';

let admin: BaoAdmin;
let mount: string;
beforeAll(async () => {
  admin = baoAdmin(await target('openbao'));
  mount = await admin.mount();
}, targetPatience);

function open(more: object = {}): Store {
  const { url, tokenFile } = admin;
  const options = openbaoKv.options.parse({ url, tokenFile, mount, ...more });
  return openbaoKv.open(options, noContext);
}

const value = (text: string): SecretValue => new SecretValue(text);

describe('the openbao-kv store keeps the contract', () => {
  for (const { name, check } of storeContract) test(name, () => check(open()));
});

describe('the openbao-kv store', () => {
  test('leaves nothing of what it destroys, its metadata neither', async () => {
    const versionId = randomUUID();
    await open().put(versionId, value('gone'));
    expect((await admin.ask('GET', `${mount}/data/rotor/${versionId}`)).data).toMatchObject({
      data: { version: versionId, value: 'gone' },
    });
    await open().destroy(versionId);
    for (const what of ['data', 'metadata'])
      expect((await admin.ask('GET', `${mount}/${what}/rotor/${versionId}`)).status).toBe(404);
  });

  test('does not believe that a value is destroyed while OpenBao still has it', async () => {
    const versionId = randomUUID();
    await open().put(versionId, value('stays'));
    const front = await openFront((incoming, response, body) => {
      if (incoming.method === 'DELETE') response.writeHead(204).end();
      else inFrontOf(admin.url, () => false)(incoming, response, body);
    });
    const store = open({ url: front.url });
    await expect(store.destroy(versionId)).rejects.toMatchObject({ code: 'bad-reply' });
    await front.close();
  });

  test('somebody who writes between its look and its write is not overwritten', async () => {
    const versionId = randomUUID();
    const front = await openFront((incoming, response, body) => {
      const pass = () => inFrontOf(admin.url, () => false)(incoming, response, body);
      if (incoming.method !== 'POST') return pass();
      void open().put(versionId, value('of the first')).then(pass);
    });
    const store = open({ url: front.url });
    await expect(store.put(versionId, value('of the second'))).rejects.toMatchObject({
      code: 'refused',
    });
    await front.close();
    expect((await open().get(versionId))?.reveal()).toBe('of the first');
  });

  test('a put whose answer was lost is done, and found done', async () => {
    const versionId = randomUUID();
    const front = await openFront(inFrontOf(admin.url, (body) => body.includes('"cas"')));
    const store = open({ url: front.url });
    await expect(store.put(versionId, value('once'))).rejects.toMatchObject({
      code: 'unreachable',
    });
    await front.close();
    await open().put(versionId, value('once'));
    expect((await open().get(versionId))?.reveal()).toBe('once');
  });

  test("what somebody changed, or copied from another version, is not taken for a version's value", async () => {
    const [one, other, changed] = [randomUUID(), randomUUID(), randomUUID()];
    await open().put(one, value('of one'));
    await open().put(changed, value('before'));
    const { data } = await admin.ask('GET', `${mount}/data/rotor/${one}`);
    const copy = { data: data['data'] as object };
    for (const id of [other, changed]) await admin.ask('POST', `${mount}/data/rotor/${id}`, copy);
    for (const id of [other, changed])
      await expect(open().get(id)).rejects.toMatchObject({ code: 'unreadable' });
  });

  test('a mount without versions is refused before a value is written there', async () => {
    const old = await admin.mount('1');
    await expect(open({ mount: old }).put(randomUUID(), value('x'))).rejects.toMatchObject({
      code: 'invalid-destination',
    });
    expect((await admin.ask('LIST', old)).status).toBe(404);
  });

  test(
    'OpenBao killed in the middle of puts has each value whole, or not at all, and what it confirmed; sealed it is away',
    async () => {
      const own = await ownTarget('openbao');
      const there = baoAdmin(own.address);
      const ownMount = await there.mount();
      const store = open({ url: there.url, tokenFile: there.tokenFile, mount: ownMount });
      const [begun, confirmed] = [new Set<string>(), new Set<string>()];
      const puts = async (): Promise<void> => {
        for (;;) {
          const id = randomUUID();
          begun.add(id);
          await store.put(id, value(`value of ${id}`));
          confirmed.add(id);
        }
      };
      const ended = Promise.allSettled([puts(), puts(), puts(), puts()]);
      while (confirmed.size < 10) await new Promise((resolve) => setTimeout(resolve, 1));
      await own.kill();
      await ended;
      expect(begun.size).toBeGreaterThan(confirmed.size);
      await own.restart();
      for (const id of begun) {
        const found = (await store.get(id))?.reveal();
        if (confirmed.has(id) || found !== undefined) expect(found).toBe(`value of ${id}`);
        await store.put(id, value(`value of ${id}`));
      }
      await there.ask('PUT', 'sys/seal');
      await expect(store.get(randomUUID())).rejects.toMatchObject({
        code: 'unreachable',
        message: 'OpenBao is sealed',
      });
      await own.stop();
    },
    targetPatience,
  );
});
