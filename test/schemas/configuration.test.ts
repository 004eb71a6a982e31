import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { connectorKinds } from '../../connectors/index.js';
import { channelKinds } from '../../infra/notify/index.js';
import { packageRoot } from '../../infra/package-root.js';
import { issuerKinds } from '../../issuers/index.js';
import { placeKinds } from '../../places/index.js';
import { checkConfiguration, type ConfigurableKind } from '../../schemas/configuration.js';
import { storeKinds } from '../../stores/index.js';

function check(document: unknown, isInstalled: (library: string) => boolean = () => true) {
  return checkConfiguration(document, {
    issuerKinds,
    connectorKinds,
    storeKinds,
    channelKinds,
    placeKinds,
    isInstalled,
  });
}

describe('the configuration', () => {
  test('tells every problem of the places that a discovery looks in', () => {
    const discover = [
      { kind: 'folder', path: 'etc', depth: 99 },
      { kind: 'foldr' },
      { kind: 'aws-secrets-manager', region: 'eu-central-1', accessKeyIdFile: '/k' },
    ];
    expect(check({ discover })).toMatchObject({
      problems: [
        { path: 'discover.0.path', message: 'expected an absolute folder' },
        { path: 'discover.0.depth', message: 'expected at most 32' },
        { path: 'discover.1', hint: 'did you mean folder?' },
        { path: 'discover.2.secretAccessKeyFile' },
      ],
    });
  });

  test('needs nothing, and listens on this machine alone', () => {
    for (const document of [undefined, null, {}]) {
      expect(check(document)).toEqual({
        value: {
          issuers: {},
          connectors: {},
          store: { kind: 'sealed', options: {} },
          formerStores: [],
          places: [],
          api: {
            host: '127.0.0.1',
            port: 7600,
            behindTlsProxy: false,
            metrics: { public: false, mostSecrets: 2_000 },
          },
          routes: [],
        },
      });
    }
  });

  test('completes the options of connectors', () => {
    const checked = check({
      connectors: { dotenv: { roots: ['/srv'] }, webhook: { keyFile: '/key' } },
    });
    expect('value' in checked && checked.value.connectors).toEqual({
      dotenv: { roots: ['/srv'] },
      webhook: { keyFile: '/key', allowHosts: [], timeoutMs: 10_000 },
    });
  });

  test('says what is wrong with the name of an issuer', () => {
    const checked = check({ issuers: { 'Main One': { kind: 'client-secrets' } } });
    expect('problems' in checked && checked.problems).toEqual([
      {
        path: 'issuers.Main One',
        message: 'expected lower-case letters, digits and dashes; there is "M" (U+004D)',
      },
    ]);
  });

  test('names the library that a kind needs where it is not installed, beside what else is wrong', () => {
    const issuers = { cache: { kind: 'redis-acl', urls: ['http://cache:6379'] } };
    const checked = check({ issuers }, () => false);
    expect('problems' in checked && checked.problems).toEqual([
      {
        path: 'issuers.cache',
        message: 'redis-acl needs the library @redis/client',
        hint: 'npm install @redis/client@6.3.1',
      },
      expect.objectContaining({ path: 'issuers.cache.urls.0' }),
      expect.objectContaining({ path: 'issuers.cache.passwordFile' }),
    ]);
  });

  test('names all libraries of a kind that are not installed, and one command for them', () => {
    const issuers = { aws: { kind: 'aws-iam-access-key', region: 'eu-central-1' } };
    const without = (missing: RegExp) => check({ issuers }, (name) => !missing.test(name));
    expect(without(/aws-sdk/)).toEqual({
      problems: [
        {
          path: 'issuers.aws',
          message:
            'aws-iam-access-key needs the libraries @aws-sdk/client-iam and @aws-sdk/client-sts',
          hint: 'npm install @aws-sdk/client-iam@3.1169.0 @aws-sdk/client-sts@3.1174.0',
        },
      ],
    });
    expect(without(/client-sts/)).toMatchObject({
      problems: [{ message: 'aws-iam-access-key needs the library @aws-sdk/client-sts' }],
    });
    expect(without(/other/)).toHaveProperty('value');
  });

  test('says the version of a library that the tests run with', () => {
    const { devDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(packageRoot(), 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>;
    const libraries = [...issuerKinds, ...connectorKinds].flatMap((kind: ConfigurableKind) => [
      ...(kind.libraries ?? []),
    ]);
    const wanted = Object.fromEntries(libraries.map(({ name, version }) => [name, version]));
    expect(devDependencies).toMatchObject(wanted);
    expect(peerDependencies).toEqual(wanted);
  });

  test('tells all problems at once', () => {
    const checked = check({
      issuers: { main: { kind: 'client-secret' } },
      connectors: { dotenv: { roots: ['srv'] }, webhook: { keyfile: '/key' }, dotnev: {} },
      api: { host: '0.0.0.0' },
    });
    expect('problems' in checked && checked.problems).toEqual([
      expect.objectContaining({ path: 'api.host' }),
      {
        path: 'issuers.main',
        message: 'there is no kind client-secret',
        hint: 'did you mean client-secrets?',
      },
      { path: 'connectors.dotenv.roots.0', message: 'expected an absolute folder' },
      { path: 'connectors.webhook.keyFile', message: 'is missing' },
      {
        path: 'connectors.webhook.keyfile',
        message: 'unknown field keyfile',
        hint: 'did you mean keyFile?',
      },
      {
        path: 'connectors.dotnev',
        message: 'there is no kind dotnev',
        hint: 'did you mean dotenv?',
      },
    ]);
  });

  test('tells all that is wrong with routes, too', () => {
    const checked = check({
      notifications: {
        routes: [
          { name: 'ops', to: { kind: 'webhok' }, events: ['blockt'] },
          { name: 'ops', to: { kind: 'slack' } },
        ],
      },
    });
    expect('problems' in checked && checked.problems.map(({ path }) => path)).toEqual([
      'notifications.routes.0.events.0',
    ]);
    const mail = { kind: 'smtp', host: 'mail.test', from: 'a@b.test', to: ['c'], tls: 'none' };
    const routes = [
      { name: 'ops', to: { kind: 'webhok' } },
      { name: 'mail', to: mail },
      { name: 'chat', to: { kind: 'slack' }, digest: '15m' },
    ];
    const again = check({ notifications: { routes } });
    expect('problems' in again && again.problems).toEqual([
      {
        path: 'notifications.routes.0.to',
        message: 'there is no kind webhok',
        hint: 'did you mean webhook?',
      },
      expect.objectContaining({ path: 'notifications.routes.1.to.to.0' }),
      expect.objectContaining({ path: 'notifications.routes.1.to.tls' }),
      { path: 'notifications.routes.2.to.urlFile', message: 'is missing' },
    ]);
  });

  test('refuses two routes of one name, and a password that would go over a network as text', () => {
    const chat = { kind: 'slack', urlFile: '/url' };
    const two = [
      { name: 'ops', to: chat },
      { name: 'ops', to: chat },
    ];
    expect(check({ notifications: { routes: two } })).toMatchObject({
      problems: [{ path: 'notifications.routes.1.name', message: 'there is another route ops' }],
    });
    const mail = {
      kind: 'smtp',
      host: 'mail.test',
      from: 'a@b.test',
      to: ['c@d.test'],
      tls: 'none',
    };
    expect(check({ notifications: { routes: [{ name: 'mail', to: mail }] } })).toMatchObject({
      problems: [{ path: 'notifications.routes.0.to.tls' }],
    });
  });

  test.each([
    ['https://rotor.example.org', 0],
    ['http://127.0.0.1:7600', 0],
    ['http://[::1]:7600', 0],
    ['http://rotor.example.org', 1],
    ['https://rotor.example.org/behind/', 1],
    ['https://rotor.example.org/?a=b', 1],
    ['https://ann:pw@rotor.example.org', 1],
    ['rotor.example.org', 1],
    ['', 1],
    [7, 1],
  ])('people reach it at %j: %i problems', (publicUrl, count) => {
    const checked = check({ api: { publicUrl } });
    expect('problems' in checked ? checked.problems.map(({ path }) => path) : []).toEqual(
      Array.from({ length: count }, () => 'api.publicUrl'),
    );
  });

  test.each([
    { host: '0.0.0.0', behindTlsProxy: true },
    { host: '10.0.0.1', tls: { certificateFile: '/c', keyFile: '/k' } },
    { host: '::1' },
  ])('listens at %j', (api) => {
    expect(check({ api })).toHaveProperty('value');
  });
});
