import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openbaoKv } from '../../places/openbao-kv/index.js';
import { baoAdmin } from '../connectors/bao-places.js';
import { target, targetPatience } from '../targets/client.js';
import type { AddressOf } from '../targets/index.js';
import { look } from './looking.js';

let bao: AddressOf<'openbao'>;
const folder = mkdtempSync(join(tmpdir(), 'rotor-place-'));
const needle = `needle-${randomUUID()}`;
const mounts = { '1': `kv-${randomUUID()}`, '2': `kv-${randomUUID()}` };

async function ask(method: string, path: string, body?: object): Promise<void> {
  const { status } = await baoAdmin(bao).ask(method, path, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${String(status)}`);
}

beforeAll(async () => {
  bao = await target('openbao');
  for (const version of ['1', '2'] as const) await baoAdmin(bao).mount(version, mounts[version]);
  const values = { password: needle, nested: { deep: needle }, user: 'app' };
  await ask('POST', `${mounts[1]}/app/a/db`, values);
  await ask('POST', `${mounts[2]}/data/app/a/db`, { data: values });
  await ask('POST', `${mounts[2]}/data/app/gone`, { data: values });
  await ask('DELETE', `${mounts[2]}/data/app/gone`);
  await ask('POST', `${mounts[2]}/data/other`, { data: values });
}, targetPatience);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  for (const mount of Object.values(mounts)) await ask('DELETE', `sys/mounts/${mount}`);
});

function open(options: object) {
  const { url, tokenFile } = bao;
  return openbaoKv.open(openbaoKv.options.parse({ url, tokenFile, path: 'app', ...options }));
}

test.each(['1', '2'] as const)('keys of version %s are read below the path', async (version) => {
  const mount = mounts[version];
  const { met, told } = await look(open({ mount }), needle);
  expect(met.map(({ spot }) => spot)).toEqual([
    { identity: `/${mount}/app/a/db#nested` },
    {
      identity: `/${mount}/app/a/db#password`,
      declare: {
        connector: 'openbao-kv',
        destination: { mount, path: 'app/a/db', key: 'password' },
      },
    },
  ]);
  expect(told).toMatch(/^[12] secrets, what is in use of each$/);
});

test('what is deleted, too deep or too much is said', async () => {
  const mount = mounts[2];
  const whole = await look(open({ mount }), needle);
  expect(whole.passedOver).toEqual([`/${mount}/app/gone: is deleted, or has no value`]);
  const flat = await look(open({ mount, depth: 0 }), needle);
  expect(flat.passedOver).toContain(`/${mount}/app/a/: is too deep`);
  const one = await look(open({ mount, mostSecrets: 1 }), needle);
  expect(one.passedOver).toEqual([`/${mount}/app/: the rest after 1 secrets`]);
});

test('what was looked at and what was passed over begin as the connector spells what lies there', async () => {
  const mount = mounts[2];
  const place = open({ mount });
  const { met, passedOver } = await look(open({ mount, depth: 0 }), needle);
  expect(met).toEqual([]);
  const { met: whole } = await look(place, needle);
  for (const { spot } of whole) {
    expect(spot.identity.startsWith(place.covers)).toBe(true);
    const begins = passedOver.some((one) => spot.identity.startsWith(one.split(': ')[0] ?? '?'));
    expect(begins).toBe(true);
  }
  expect(`/${mount}/apple#password`.startsWith(place.covers)).toBe(false);
});

test('a mount of another kind is refused, and so is one that is away', async () => {
  await expect(look(open({ mount: 'sys' }), needle)).rejects.toMatchObject({
    code: 'invalid-destination',
  });
  await expect(look(open({ url: 'http://127.0.0.1:9' }), needle)).rejects.toMatchObject({
    code: 'unreachable',
  });
});

test.each(['1', '2'] as const)(
  'a doctor is told which right a token lacks, at version %s, and no value is read for it',
  async (version) => {
    const mount = mounts[version];
    const [data, metadata] = version === '2' ? ['/data', '/metadata'] : ['', ''];
    const below = { mount, path: 'app/a' };
    const checkWith = async (policy: string, more: object = {}): Promise<string> => {
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, await baoAdmin(bao).tokenWith(policy), { mode: 0o600 });
      return open({ ...below, tokenFile, ...more }).check(AbortSignal.timeout(10_000));
    };
    const may = (where: string, what: string): string =>
      `path "${mount}${where}/app/a/*" { capabilities = ["${what}"] }\n`;
    const both =
      version === '2' ? may(data, 'read') + may(metadata, 'list') : may('', 'read", "list');
    expect(await checkWith(both)).toBe('can be listed');
    expect(await checkWith(both, { path: 'app/a/nothing' })).toBe('nothing lies there');
    await expect(checkWith(may(metadata, 'list'))).rejects.toMatchObject({
      code: 'not-permitted',
      message: `rotor's token may not read ${mount}${data}/app/a/db (capability read)`,
    });
    await expect(checkWith(may(data, 'read'))).rejects.toMatchObject({
      code: 'not-permitted',
      message: expect.stringMatching(/may not list .*\(capability list\)$/),
    });
  },
);
