import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openbaoKv } from '../../connectors/openbao-kv/index.js';
import type { Connector, Delivery, Destination } from '../../domain/connector.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { inFrontOf, openFront, type Answer, type Front } from '../issuers/aws-answers.js';
import { leakingServer, toldBy } from '../issuers/leaking-server.js';
import { ownTarget, target, targetPatience } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';
import { baoAdmin, type BaoAdmin } from './bao-places.js';
import { certificateFor } from './certificate.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';

let admin: BaoAdmin;
let mount: string;
let folder: Folder;
beforeAll(async () => {
  admin = baoAdmin(await target('openbao'));
  mount = await admin.mount();
  folder = newFolder();
}, targetPatience);
afterAll(() => folder.remove());

function open(more: object = {}): Connector {
  const { url, tokenFile } = admin;
  return openbaoKv.open(openbaoKv.options.parse({ url, tokenFile, ...more }));
}

const pathOf = ({ address }: Destination): string => String(address['path']);

async function write(destination: Destination, data: object): Promise<void> {
  await admin.ask('POST', `${mount}/data/${pathOf(destination)}`, { data });
}

async function place(): Promise<Destination> {
  const destination = destinationAt({ mount, path: `app/${randomUUID()}`, key: 'password' });
  await write(destination, { other: 'kept' });
  return destination;
}

/** As a program reads it. */
async function inUse(destination: Destination): Promise<Record<string, unknown>> {
  const { data } = await admin.ask('GET', `${mount}/data/${pathOf(destination)}`);
  return (data['data'] ?? {}) as Record<string, unknown>;
}

async function metadata(destination: Destination): Promise<Record<string, unknown>> {
  return (await admin.ask('GET', `${mount}/metadata/${pathOf(destination)}`)).data;
}

/** The key in each version that can be read. */
async function past(destination: Destination): Promise<unknown[]> {
  const versions = Object.keys((await metadata(destination))['versions'] as object);
  const found: unknown[] = [];
  for (const version of versions) {
    const path = `${mount}/data/${pathOf(destination)}?version=${version}`;
    const { data } = await admin.ask('GET', path);
    const fields = data['data'] as Record<string, unknown> | null | undefined;
    if (fields !== null && fields !== undefined) found.push(fields['password']);
  }
  return found;
}

/** The old one, and the young one. */
function deliveries(destination: Destination): [Delivery, Delivery] {
  const [old, young] = [deliveryOf(destination, 'old'), deliveryOf(destination, 'young')];
  const known = [old.version, young.version];
  return [
    { ...old, known },
    { ...young, known },
  ];
}

holdToConnectorContract('openbao-kv', () =>
  Promise.resolve({
    connector: open(),
    place,
    absent: () =>
      Promise.resolve(destinationAt({ mount, path: `missing/${randomUUID()}`, key: 'password' })),
    plant: async (destination, text) => {
      await write(destination, { other: 'kept', password: text });
    },
    close: () => Promise.resolve(),
  }),
);

describe('what openbao-kv writes', () => {
  let destination: Destination;
  let fronts: Front[];
  beforeEach(async () => {
    destination = await place();
    fronts = [];
  });
  afterEach(async () => {
    for (const front of fronts) await front.close();
  });

  async function behind(answer: Answer): Promise<Connector> {
    const front = await openFront(answer);
    fronts.push(front);
    return open({ url: front.url });
  }

  test('leaves the other keys, and an empty secret gets its first', async () => {
    const others = { text: 'kept', nested: { list: [1, null, 'x'] }, off: false };
    await write(destination, others);
    await open().deliver(deliveryOf(destination, 'new'));
    expect(await inUse(destination)).toEqual({ ...others, password: 'new' });
    const empty = destinationAt({ mount, path: `empty/${randomUUID()}`, key: 'password' });
    await admin.ask('POST', `${mount}/metadata/${pathOf(empty)}`, { max_versions: 3 });
    await open().deliver(deliveryOf(empty, 'first'));
    expect(await inUse(empty)).toEqual({ password: 'first' });
  });

  test('names its version beside what others noted, and no longer when it is withdrawn', async () => {
    const notes = { custom_metadata: { owner: 'team' } };
    await admin.ask('POST', `${mount}/metadata/${pathOf(destination)}`, notes);
    const one = deliveryOf(destination, 'one');
    await open().deliver(one);
    expect((await metadata(destination))['custom_metadata']).toEqual({
      owner: 'team',
      rotor_password: one.version.versionId,
    });
    await open().withdraw(one);
    expect((await metadata(destination))['custom_metadata']).toEqual({ owner: 'team' });
  });

  test('is not written again by a second attempt, whose first one lost its answer', async () => {
    const one = deliveryOf(destination, 'one');
    const connector = await behind(inFrontOf(admin.url, (body) => body.includes('"cas"')));
    await expect(connector.deliver(one)).rejects.toMatchObject({ code: 'unreachable' });
    expect(await inUse(destination)).toMatchObject({ password: 'one' });
    await open().deliver(one);
    const found = await metadata(destination);
    expect(found['current_version']).toBe(2);
    expect(found['custom_metadata']).toEqual({ rotor_password: one.version.versionId });
  });

  test('does not overwrite who writes meanwhile, and keeps what they wrote in the next attempt', async () => {
    let isFirst = true;
    const connector = await behind((incoming, response, body) => {
      const pass = () => inFrontOf(admin.url, () => false)(incoming, response, body);
      if (incoming.method !== 'PATCH' || !isFirst) return pass();
      isFirst = false;
      void write(destination, { other: 'of-somebody-else' }).then(pass);
    });
    const one = deliveryOf(destination, 'one');
    await expect(connector.deliver(one)).rejects.toMatchObject({ code: 'changed-meanwhile' });
    expect(await inUse(destination)).toEqual({ other: 'of-somebody-else' });
    await connector.deliver(one);
    expect(await inUse(destination)).toEqual({ other: 'of-somebody-else', password: 'one' });
  });

  test('goes to several keys of one secret at once, and none is lost', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const connector = open();
    await Promise.all(
      keys.map((key) =>
        connector.deliver(
          deliveryOf(destinationAt({ ...destination.address, key }), `value of ${key}`),
        ),
      ),
    );
    const wanted = Object.fromEntries(keys.map((key) => [key, `value of ${key}`]));
    expect(await inUse(destination)).toEqual({ other: 'kept', ...wanted });
  });

  test('is gone from the past once it is forgotten, and what is in use stays', async () => {
    const [old, young] = deliveries(destination);
    const connector = open();
    for (const one of [old, young]) await connector.deliver(one);
    await write(destination, { password: 'old', other: 'written back by somebody' });
    await connector.deliver(young);
    expect(await past(destination)).toEqual([undefined, 'old', 'young', 'old', 'young']);
    await connector.forget(old);
    expect(await past(destination)).toEqual([undefined, 'young', 'young']);
    expect(await inUse(destination)).toEqual({
      other: 'written back by somebody',
      password: 'young',
    });
  });

  test('an old value in the past of an empty key was not delivered, and is told to be only there', async () => {
    const [old, young] = deliveries(destination);
    const connector = open();
    for (const one of [old, young]) await connector.deliver(one);
    await connector.withdraw(young);
    const left = { versionIds: [old.version.versionId], onlyPast: true };
    expect(await connector.held(destination, old.known)).toMatchObject(left);
    await connector.deliver(old);
    expect(await connector.held(destination, old.known)).toMatchObject({ onlyPast: false });
    expect(await inUse(destination)).toEqual({ other: 'kept', password: 'old' });
  });

  test('a withdrawal that dies before it destroyed the past is told, and goes on', async () => {
    const one = deliveryOf(destination, 'one');
    await open().deliver(one);
    const connector = await behind((incoming, response, body) => {
      if (String(incoming.url).includes('/destroy/')) response.destroy();
      else inFrontOf(admin.url, () => false)(incoming, response, body);
    });
    await expect(connector.withdraw(one)).rejects.toMatchObject({ code: 'unreachable' });
    expect(await inUse(destination)).toEqual({ other: 'kept', password: '' });
    const held = await open().held(destination, one.known);
    expect(held).toMatchObject({ versionIds: [one.version.versionId], onlyPast: true });
    await open().withdraw(one);
    expect(await past(destination)).toEqual([undefined, '']);
  });

  test('displaces the old value at once where the secret keeps one version', async () => {
    await admin.ask('POST', `${mount}/metadata/${pathOf(destination)}`, { max_versions: 1 });
    const [old, young] = deliveries(destination);
    for (const one of [old, young]) await open().deliver(one);
    const { versionIds } = await open().held(destination, old.known);
    expect(versionIds).toEqual([young.version.versionId]);
  });

  test('a secret whose current version was deleted is neither read nor written, until it is undeleted', async () => {
    const one = deliveryOf(destination, 'one');
    await open().deliver(one);
    await admin.ask('DELETE', `${mount}/data/${pathOf(destination)}`);
    for (const work of [open().held(destination, one.known), open().deliver(one)])
      await expect(work).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('undelete it'),
      });
    await admin.ask('PUT', `${mount}/undelete/${pathOf(destination)}`, { versions: [2] });
    await open().deliver(one);
    expect(await inUse(destination)).toEqual({ other: 'kept', password: 'one' });
  });

  test.each(['', 'x'.repeat(256 * 1024 + 1)])(
    'a value that no key holds is refused',
    async (text) => {
      await expect(open().deliver(deliveryOf(destination, text))).rejects.toMatchObject({
        code: 'refused',
      });
      expect(await past(destination)).toEqual([undefined]);
    },
  );

  test('a key that holds no text is not overwritten', async () => {
    await write(destination, { password: { user: 'x' } });
    await expect(open().deliver(deliveryOf(destination, 'one'))).rejects.toMatchObject({
      code: 'invalid-destination',
    });
    expect(await inUse(destination)).toEqual({ password: { user: 'x' } });
  });

  test('stops when it is told to', async () => {
    const connector = await behind(() => undefined);
    const delivery = { ...deliveryOf(destination, 'value'), signal: AbortSignal.timeout(50) };
    await expect(connector.deliver(delivery)).rejects.toMatchObject({ code: 'timed-out' });
  });
});

describe('where openbao-kv may not, or cannot', () => {
  let destination: Destination;
  beforeEach(async () => {
    destination = await place();
  });

  const at = (more: object): Destination => destinationAt({ ...destination.address, ...more });
  const fileOf = (name: string, text: string): string => {
    const file = folder.file(`${name}-${randomUUID()}`);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };

  test('a mount of version 1 and one that is no KV are named, and nothing is written there', async () => {
    const old = await admin.mount('1');
    await expect(open().deliver(deliveryOf(at({ mount: old }), 'x'))).rejects.toMatchObject({
      code: 'invalid-destination',
      message: expect.stringContaining(`${old} is a KV mount of version 1`),
    });
    expect((await admin.ask('LIST', old)).status).toBe(404);
    await expect(open().held(at({ mount: 'sys' }), [])).rejects.toMatchObject({
      code: 'invalid-destination',
      message: expect.stringContaining('sys is no KV mount'),
    });
    await expect(open().held(at({ mount: 'nowhere' }), [])).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringContaining('OpenBao has no mount nowhere'),
    });
  });

  test('the right that is missing is named, and a token that is not valid is told apart', async () => {
    const path = pathOf(destination);
    const reads = `path "${mount}/+/app/*" { capabilities = ["read"] }`;
    const tokenFile = fileOf('weak', await admin.tokenWith(reads));
    await expect(open({ tokenFile }).deliver(deliveryOf(destination, 'x'))).rejects.toMatchObject({
      code: 'not-permitted',
      message: `rotor's token may not patch ${mount}/data/${path} (capability patch)`,
    });
    const ended = fileOf('ended', 's.ended');
    await expect(open({ tokenFile: ended }).held(destination, [])).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringContaining('token is not valid'),
    });
  });

  test('rotor logs in with an AppRole, and once again when its token has ended', async () => {
    const role = `auth/approle/role/rotor-${randomUUID()}`;
    await admin.ask('POST', 'sys/auth/approle', { type: 'approle' });
    const policy = `path "${mount}/*" { capabilities = ["read", "create", "update", "patch"] }`;
    const name = `kv-${randomUUID()}`;
    await admin.ask('POST', `sys/policies/acl/${name}`, { policy });
    await admin.ask('POST', role, { token_policies: [name], token_num_uses: 4 });
    const roleId = String((await admin.ask('GET', `${role}/role-id`)).data['role_id']);
    const made = (await admin.ask('POST', `${role}/secret-id`)).data;
    const files = {
      roleIdFile: fileOf('role-id', roleId),
      secretIdFile: fileOf('secret-id', String(made['secret_id'])),
    };
    const connector = open({ tokenFile: undefined, appRole: files });
    for (const text of ['one', 'two', 'three']) {
      await connector.deliver(deliveryOf(destination, text));
      expect(await inUse(destination)).toMatchObject({ password: text });
    }
    writeFileSync(files.secretIdFile, 'never-told');
    const told = await toldBy(open({ tokenFile: undefined, appRole: files }).held(destination, []));
    expect(told).toContain("refuses rotor's login at auth/approle");
    expect(told).not.toContain('never-told');
  });

  test('a namespace is a place of its own', async () => {
    const namespace = `team-${randomUUID()}`;
    await admin.ask('POST', `sys/namespaces/${namespace}`, {});
    const team = baoAdmin(admin, namespace);
    const inside = await team.mount();
    await team.ask('POST', `${inside}/data/app`, { data: { other: 'x' } });
    const there = at({ mount: inside, path: 'app' });
    await open({ namespace }).deliver(deliveryOf(there, 'inside'));
    const { data } = await team.ask('GET', `${inside}/data/app`);
    expect(data['data']).toEqual({ other: 'x', password: 'inside' });
    const options = openbaoKv.options.parse({ url: admin.url, tokenFile: '/x', namespace });
    const address = openbaoKv.address.parse(there.address);
    expect(openbaoKv.identity(address, options)).toBe(`${namespace}/${inside}/app#password`);
  });

  test('a certificate is trusted by the authorities in the file, and by none without it', async () => {
    const certified = certificateFor('openbao.test');
    const server = createServer({ ...certified }, (incoming, response) => {
      void buffer(incoming).then((body) =>
        inFrontOf(admin.url, () => false)(incoming, response, body),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const caFile = fileOf('ca', certified.cert);
    await open({ url, caFile }).deliver(deliveryOf(destination, 'by TLS'));
    expect(await inUse(destination)).toMatchObject({ password: 'by TLS' });
    await expect(open({ url }).held(destination, [])).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('certificate of OpenBao is not trusted'),
    });
    await expect(
      open({ url, caFile: '/nowhere/ca.pem' }).held(destination, []),
    ).rejects.toMatchObject({ code: 'not-permitted' });
    server.closeAllConnections();
    server.close();
  });

  test.each([
    [400, 'refused'],
    [403, 'not-permitted'],
    [404, 'bad-reply'],
    [429, 'busy'],
    [500, 'unreachable'],
    [502, 'unreachable'],
    [503, 'unreachable'],
    [200, 'bad-reply'],
  ])('OpenBao answers %i: %s, and nothing of its words is told', async (status, code) => {
    const server = await leakingServer();
    server.answer(status, JSON.stringify({ errors: ['never-told'], data: 'never-told' }));
    const connector = open({ url: server.url });
    const told = await toldBy(connector.deliver(deliveryOf(destination, 'never-told')));
    server.close();
    expect(told).toContain(code);
    expect(told).not.toContain('never-told');
  });

  test(
    'sealed and away are told, and tried again',
    async () => {
      const own = await ownTarget('openbao');
      const { url } = own.address;
      const tokenFile = fileOf('own', readCredential(own.address.tokenFile));
      await baoAdmin(own.address).ask('PUT', 'sys/seal');
      await expect(open({ url, tokenFile }).held(destination, [])).rejects.toMatchObject({
        code: 'unreachable',
        message: 'OpenBao is sealed',
      });
      await own.stop();
      await expect(open({ url, tokenFile }).held(destination, [])).rejects.toMatchObject({
        code: 'unreachable',
      });
    },
    targetPatience,
  );

  test.each([
    { path: '../sys', key: 'x' },
    { path: 'a/./b', key: 'x' },
    { path: '/a', key: 'x' },
    { path: 'a?version=1', key: 'x' },
    { path: 'a%2e', key: 'x' },
    { path: 'a', mount: '..', key: 'x' },
    { path: 'a', key: '' },
    { path: 'a' },
  ])('%j is no place', (address) => {
    expect(openbaoKv.address.safeParse(address).success).toBe(false);
  });

  test('a token and an AppRole are one too many, and none is one too few', () => {
    const { url } = admin;
    const appRole = { roleIdFile: '/a', secretIdFile: '/b' };
    for (const options of [{ url }, { url, tokenFile: '/t', appRole }])
      expect(openbaoKv.options.safeParse(options).error?.issues[0]?.message).toBe(
        'expected tokenFile or appRole, and not both',
      );
  });
});
