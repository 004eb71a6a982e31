import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { target, targetPatience, ownTarget, type OwnTarget } from './client.js';
import { call, expectOk } from './http.js';
import { targets, type AddressOf } from './index.js';
import { readCredential } from './serving.js';

describe.each(targets)('$name', ({ name, version }) => {
  test(
    'answers on loopback with the version that is wanted, and keeps its credentials to us',
    async () => {
      const address = await target(name);
      const pinned = version === 'of the distribution' ? /^\d+\.\d+/ : new RegExp(`^${version}$`);
      expect(address.version).toMatch(pinned);
      expect(address.host).toBe('127.0.0.1');
      expect(existsSync(address.log)).toBe(true);
      const files = Object.entries(address).filter(([field]) => field.endsWith('File'));
      expect(files.length).toBeGreaterThan(0);
      for (const [, file] of files) expect(statSync(String(file)).mode & 0o777).toBe(0o600);
      expect(await target(name)).toEqual(address);
    },
    targetPatience,
  );
});

describe('OpenBao of a test of its own', () => {
  let openbao: OwnTarget<'openbao'>;
  beforeAll(async () => {
    openbao = await ownTarget('openbao');
  }, targetPatience);
  afterAll(async () => {
    await openbao.stop();
  });

  function headers(): Record<string, string> {
    return { 'x-vault-token': readCredential(openbao.address.tokenFile) };
  }

  test('keeps what was written over a kill, and is unsealed again on the same port', async () => {
    const { url } = openbao.address;
    const mount = { method: 'POST', headers: headers(), body: '{"type":"kv"}' } as const;
    await expectOk(`${url}/v1/sys/mounts/kept`, mount);
    const written = { method: 'POST', headers: headers(), body: '{"word":"kept"}' } as const;
    await expectOk(`${url}/v1/kept/a`, written);
    await openbao.kill();
    await expect(call(`${url}/v1/sys/health`)).rejects.toThrow();
    await openbao.restart();
    const read = await expectOk(`${url}/v1/kept/a`, { headers: headers() });
    expect(JSON.parse(read)).toMatchObject({ data: { word: 'kept' } });
  });
});

describe('moto of a test of its own', () => {
  let moto: OwnTarget<'moto'>;
  beforeAll(async () => {
    moto = await ownTarget('moto');
  }, targetPatience);
  afterAll(async () => {
    await moto.stop();
  });

  test('forgets everything over a restart, and has new credentials', async () => {
    const { accessKeyIdFile, url } = moto.address;
    const before = readCredential(accessKeyIdFile);
    await moto.restart();
    expect((await call(`${url}/moto-api/data.json`)).status).toBe(200);
    expect(readCredential(accessKeyIdFile)).not.toBe(before);
  });
});

describe('Redis of a test of its own', () => {
  let redis: OwnTarget<'redis'>;
  beforeAll(async () => {
    redis = await ownTarget('redis');
  }, targetPatience);
  afterAll(async () => {
    await redis.stop();
  });

  function ask({ port, passwordFile }: AddressOf<'redis'>, ...words: string[]): string {
    const password = readFileSync(passwordFile, 'utf8');
    const env = { ...process.env, REDISCLI_AUTH: password };
    const options = { env, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync('redis-cli', ['-p', String(port), ...words], options);
  }

  test('keeps users that were saved, and keys, over a kill', async () => {
    const { address } = redis;
    expect(ask(address, 'ACL', 'SETUSER', 'kept', 'on', '>word', '~*', '+@all')).toBe('OK\n');
    expect(ask(address, 'ACL', 'SAVE')).toBe('OK\n');
    expect(ask(address, 'SET', 'kept', 'word')).toBe('OK\n');
    await redis.kill();
    expect(() => ask(address, 'PING')).toThrow('Could not connect');
    await redis.restart();
    expect(ask(address, 'ACL', 'USERS')).toBe('default\nkept\n');
    expect(ask(address, 'GET', 'kept')).toBe('word\n');
  });
});
