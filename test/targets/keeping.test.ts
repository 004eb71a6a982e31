import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { ownTarget, targetPatience, type OwnTarget } from './client.js';
import { call, expectOk } from './http.js';
import { readCredential } from './serving.js';

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

  function ask(...words: string[]): string {
    const { port, passwordFile } = redis.address;
    const password = readCredential(passwordFile);
    const env = { ...process.env, REDISCLI_AUTH: password };
    const options = { env, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync('redis-cli', ['-p', String(port), ...words], options);
  }

  test('keeps users that were saved, and keys, over a kill', async () => {
    expect(ask('ACL', 'SETUSER', 'kept', 'on', '>word', '~*', '+@all')).toBe('OK\n');
    expect(ask('ACL', 'SAVE')).toBe('OK\n');
    expect(ask('SET', 'kept', 'word')).toBe('OK\n');
    await redis.kill();
    expect(() => ask('PING')).toThrow('Could not connect');
    await redis.restart();
    expect(ask('ACL', 'USERS')).toBe('default\nkept\n');
    expect(ask('GET', 'kept')).toBe('word\n');
  });
});

describe('MariaDB of a test of its own', () => {
  let mariadb: OwnTarget<'mariadb'>;
  beforeAll(async () => {
    mariadb = await ownTarget('mariadb');
  }, targetPatience);
  afterAll(async () => {
    await mariadb.stop();
  });

  function ask(user: string, password: string, statement: string): string {
    const args = ['--no-defaults', '-h', '127.0.0.1', '-P', String(mariadb.address.port)];
    const env = { ...process.env, MYSQL_PWD: password };
    const options = { env, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync('mariadb', [...args, '-u', user, '-N', '-e', statement], options);
  }
  const asAdministrator = (statement: string): string =>
    ask(mariadb.address.user, readCredential(mariadb.address.passwordFile), statement);

  test('keeps users and rows over a kill, and serves nobody without a password', async () => {
    asAdministrator('create database kept; create table kept.words (word text)');
    asAdministrator("insert into kept.words values ('kept')");
    asAdministrator("create user svc@'%' identified via ed25519 using password('word')");
    await mariadb.kill();
    expect(() => asAdministrator('select 1')).toThrow("Can't connect");
    await mariadb.restart();
    expect(asAdministrator('select word from kept.words')).toBe('kept\n');
    expect(ask('svc', 'word', 'select 1')).toBe('1\n');
    expect(() => ask('root', '', 'select 1')).toThrow('Access denied');
    expect(() => ask('anybody', '', 'select 1')).toThrow('Access denied');
  });
});

describe('RabbitMQ of a test of its own', () => {
  let rabbitmq: OwnTarget<'rabbitmq'>;
  beforeAll(async () => {
    rabbitmq = await ownTarget('rabbitmq');
  }, targetPatience);
  afterAll(async () => {
    await rabbitmq.stop();
  });

  function headers(): Record<string, string> {
    const { user, passwordFile } = rabbitmq.address;
    const credentials = `${user}:${readCredential(passwordFile)}`;
    return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  }

  test(
    'keeps users over a kill',
    async () => {
      const { url } = rabbitmq.address;
      const body = JSON.stringify({ password: 'word', tags: 'monitoring' });
      await expectOk(`${url}/api/users/kept`, { method: 'PUT', headers: headers(), body });
      await rabbitmq.kill();
      await expect(call(`${url}/api/overview`)).rejects.toThrow();
      await rabbitmq.restart();
      const read = await expectOk(`${url}/api/users/kept`, { headers: headers() });
      expect(JSON.parse(read)).toMatchObject({ name: 'kept' });
    },
    targetPatience,
  );
});
