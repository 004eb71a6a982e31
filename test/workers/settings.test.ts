import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RotorError, type Problem } from '../../domain/errors.js';
import { nativeOptions } from '../../infra/temporal-access.js';
import { readSettings, type Settings } from '../../workers/settings.js';
import { certificateFor } from '../connectors/certificate.js';

const rotor = certificateFor('rotor.test');
const cloud = 'acme.a1b2c.tmprl.cloud:7233';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rotor-settings-'));
  const files = {
    'cert.pem': rotor.cert,
    'key.pem': rotor.key,
    'other-key.pem': certificateFor('other.test').key,
    'api-key': 'key-by-file\n',
    empty: '\n',
    'temporal.toml': `[profile.prod]\naddress = "${cloud}"\nnamespace = "acme"\napi_key = "key-of-profile"\n`,
    'bad.toml': '[profile.prod]\napi_key = "key-in-bad-file" oops\n',
    'nothing.yaml': '',
    'rotor.yaml': 'api: { port: none }\n',
    'pasted.yaml': 'issuers: {}\napi: {}\nissuers:\n  queue: {}\n',
    'alias.yaml': 'api: *nowhere\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

function read(environment: Record<string, string>): Settings {
  return readSettings({ ROTOR_STATE: folder, ROTOR_CONFIG: at('nothing.yaml'), ...environment });
}

function error(environment: Record<string, string>): RotorError {
  try {
    read(environment);
  } catch (thrown) {
    if (thrown instanceof RotorError) return thrown;
  }
  throw new Error('the settings were accepted');
}

function problems(environment: Record<string, string>): Problem[] {
  return [...error(environment).problems];
}

describe('settings of Temporal', () => {
  test('are what its own tools read: TLS follows from a key or a certificate, the port is the usual one', () => {
    expect(read({}).temporal).toBeUndefined();
    expect(read({ TEMPORAL_ADDRESS: 'temporal', TEMPORAL_TLS: '' }).temporal).toEqual({
      address: 'temporal:7233',
    });
    expect(read({ TEMPORAL_ADDRESS: cloud, TEMPORAL_API_KEY: 'key' }).temporal).toMatchObject({
      address: cloud,
      tls: {},
    });
    expect(read({ TEMPORAL_ADDRESS: cloud, TEMPORAL_TLS: 'TRUE' }).temporal?.tls).toEqual({});
    const verified = { TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'false' };
    expect(read({ TEMPORAL_ADDRESS: cloud, ...verified }).temporal).toEqual({ address: cloud });
    const local = { TEMPORAL_ADDRESS: '[::1]:7233', TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: '0' };
    expect(read(local).temporal?.tls).toBeUndefined();
  });

  test('may come from a profile, which the variables go before', () => {
    const profile = { TEMPORAL_CONFIG_FILE: at('temporal.toml'), TEMPORAL_PROFILE: 'prod' };
    const { temporal, namespace } = read(profile);
    expect({ ...temporal, namespace }).toMatchObject({
      address: cloud,
      namespace: 'acme',
      tls: {},
    });
    expect(temporal?.apiKey?.reveal()).toBe('key-of-profile');
    expect(read({ ...profile, TEMPORAL_NAMESPACE: 'mine' }).namespace).toBe('mine');
  });

  test('show no secret when they are printed, and hold it for the client', () => {
    const { temporal, ...others } = read({
      DATABASE_URL: 'postgres://rotor:key-of-database@db/rotor',
      TEMPORAL_ADDRESS: cloud,
      TEMPORAL_API_KEY_FILE: at('api-key'),
      TEMPORAL_TLS_CLIENT_CERT_PATH: at('cert.pem'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: at('key.pem'),
      TEMPORAL_GRPC_META_AUTH: 'key-of-proxy',
    });
    if (temporal === undefined) throw new Error('no access');
    const { apiKey, metadata, tls } = nativeOptions(temporal);
    expect({ apiKey, metadata }).toEqual({
      apiKey: 'key-by-file',
      metadata: { auth: 'key-of-proxy' },
    });
    expect(tls).toMatchObject({ clientCertPair: { key: Buffer.from(rotor.key) } });
    const settings = { temporal, ...others };
    for (const text of [
      inspect(settings, { depth: 9, showHidden: true }),
      JSON.stringify(settings),
    ]) {
      expect(text).toContain(cloud);
      expect(text).not.toMatch(/key-by-file|key-of-proxy|key-of-database|PRIVATE KEY/);
    }
  });

  test('compress nothing on this machine', () => {
    const none = { codec: 'none' };
    expect(nativeOptions({ address: 'localhost:7233' }).grpcCompression).toEqual(none);
    expect(nativeOptions({ address: '127.0.0.1:7233' }).grpcCompression).toEqual(none);
    expect(nativeOptions({ address: cloud }).grpcCompression).toBeUndefined();
  });
});

describe('settings that are wrong', () => {
  test('are told all together, with those of rotor.yaml', () => {
    const found = error({
      ROTOR_CONFIG: at('rotor.yaml'),
      DATABASE_URL_FILE: at('no-database-url'),
      TEMPORAL_ADDRESS: 'https://temporal',
      TEMPORAL_API_KEY_FILE: at('no-api-key'),
      TEMPORAL_TLS: 'yes',
      TEMPORAL_TLS_CLIENT_CERT_PATH: at('api-key'),
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('no-ca.pem'),
    });
    expect(found).toMatchObject({ code: 'configuration-invalid', kind: 'invalid' });
    expect(found.message).toBe(`not usable: the environment and ${at('rotor.yaml')}`);
    expect(found.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      `DATABASE_URL_FILE: ${at('no-database-url')} cannot be read`,
      `TEMPORAL_API_KEY_FILE: ${at('no-api-key')} cannot be read`,
      'TEMPORAL_TLS: is neither true nor false',
      `TEMPORAL_TLS_SERVER_CA_CERT_PATH: ${at('no-ca.pem')} cannot be read`,
      'TEMPORAL_TLS_CLIENT_KEY_PATH: is not set',
      `TEMPORAL_TLS_CLIENT_CERT_PATH: ${at('api-key')} is not a certificate in PEM`,
      'TEMPORAL_ADDRESS: is not HOST:PORT',
      expect.stringMatching(/^api\.port: /),
    ]);
  });

  test('are told with their line, where rotor.yaml is no YAML', () => {
    const told = (name: string): string[] =>
      problems({ ROTOR_CONFIG: at(name) }).map(({ path, message }) => `${path}: ${message}`);
    expect(told('pasted.yaml')).toEqual([
      expect.stringMatching(/pasted\.yaml:3:1: is not YAML: Map keys must be unique/),
    ]);
    expect(told('alias.yaml')).toEqual([expect.stringMatching(/alias\.yaml.*: is not YAML: /)]);
  });

  test.each<[string, Record<string, string>, readonly [string, RegExp]]>([
    [
      'a key that would cross the network unencrypted',
      { TEMPORAL_ADDRESS: cloud, TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: 'false' },
      ['TEMPORAL_TLS', /API key would cross the network/],
    ],
    [
      'an empty file of a key',
      { TEMPORAL_ADDRESS: cloud, TEMPORAL_API_KEY_FILE: 'empty' },
      ['TEMPORAL_API_KEY', /is empty/],
    ],
    ['a key for nowhere', { TEMPORAL_API_KEY: 'key' }, ['TEMPORAL_ADDRESS', /is not set/]],
    [
      'the key of another certificate',
      {
        TEMPORAL_ADDRESS: cloud,
        TEMPORAL_TLS_CLIENT_CERT_PATH: 'cert.pem',
        TEMPORAL_TLS_CLIENT_KEY_PATH: 'other-key.pem',
      },
      ['TEMPORAL_TLS_CLIENT_KEY', /is not the key of the client certificate/],
    ],
    [
      'a certificate in place of its key',
      {
        TEMPORAL_ADDRESS: cloud,
        TEMPORAL_TLS_CLIENT_CERT_PATH: 'cert.pem',
        TEMPORAL_TLS_CLIENT_KEY_PATH: 'cert.pem',
      },
      ['TEMPORAL_TLS_CLIENT_KEY_PATH', /is not an unencrypted private key in PEM/],
    ],
    [
      'certificates where TLS is off',
      {
        TEMPORAL_ADDRESS: cloud,
        TEMPORAL_TLS: 'false',
        TEMPORAL_TLS_SERVER_CA_CERT_PATH: 'cert.pem',
      },
      ['TEMPORAL_TLS', /is off, though certificates are given/],
    ],
    [
      'a thing given twice',
      {
        TEMPORAL_ADDRESS: cloud,
        TEMPORAL_TLS_SERVER_CA_CERT_PATH: 'cert.pem',
        TEMPORAL_TLS_SERVER_CA_CERT_DATA: rotor.cert,
      },
      ['TEMPORAL_TLS_SERVER_CA_CERT_DATA', /is given as TEMPORAL_TLS_SERVER_CA_CERT_PATH too/],
    ],
    [
      'a server that is not to be verified',
      { TEMPORAL_ADDRESS: cloud, TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'true' },
      ['TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', /is not possible/],
    ],
    [
      'a file of profiles that is not there',
      { TEMPORAL_CONFIG_FILE: 'none.toml' },
      ['TEMPORAL_CONFIG_FILE', /there is no file/],
    ],
    [
      'a file of profiles that cannot be understood, which is not quoted',
      { TEMPORAL_CONFIG_FILE: 'bad.toml', TEMPORAL_PROFILE: 'prod' },
      [
        'TEMPORAL_CONFIG_FILE',
        /^is not TOML, has no such profile, or gives something as path and as data$/,
      ],
    ],
  ])('%s', (_, environment, [path, message]) => {
    const named = Object.entries(environment).map(([name, value]) => [
      name,
      /_(PATH|FILE)$/.test(name) ? at(value) : value,
    ]);
    expect(problems(Object.fromEntries(named) as Record<string, string>)).toEqual([
      expect.objectContaining({ path, message: expect.stringMatching(message) }),
    ]);
  });
});
