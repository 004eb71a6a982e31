/** Every kind that reaches a system, opened at an address of a test's own, and all that it may be asked for there. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awsSecretsManager } from '../../connectors/aws-secrets-manager/index.js';
import { openbaoKv as kvConnector } from '../../connectors/openbao-kv/index.js';
import type { Connector, Destination } from '../../domain/connector.js';
import type { Issuer } from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import { issuerKinds } from '../../issuers/index.js';
import type { IssuerKind } from '../../issuers/kind.js';
import { openbaoKv as kvStore } from '../../stores/openbao-kv/index.js';
import { deliveryOf, destinationAt } from '../connectors/places.js';
import { noContext } from '../stores/context.js';
import { contextOf } from './context.js';
import { sampleTraits } from './own-server.js';

export interface At {
  readonly port: number;
  readonly tls: boolean;
  /** Where files with logins may lie. */
  readonly folder: string;
}

/** By name; a promise that rejects, or one that has nothing to complain about. */
export type Asked = Readonly<Record<string, () => Promise<unknown>>>;

interface Opening {
  options(at: At): object;
  readonly specification: object;
}

const urlOf = (scheme: string, { tls, port }: At): string =>
  `${scheme}${tls ? 's' : ''}://127.0.0.1:${String(port)}`;

function fileOf({ folder }: At, text = 'a-login-of-rotor'): string {
  const file = join(folder, randomUUID());
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const awsOptions = (at: At): object => ({
  region: 'eu-central-1',
  endpoint: urlOf('http', at),
  accessKeyIdFile: fileOf(at, 'AKIAXXXXXXXXXXXXXXXX'),
  secretAccessKeyFile: fileOf(at),
});

/** The built-in one is rotor itself. */
export const openings: Readonly<Record<string, Opening>> = {
  'aws-iam-access-key': { options: awsOptions, specification: { userName: 'app' } },
  http: {
    options: (at) => ({ url: urlOf('http', at), tokenFile: fileOf(at), traits: sampleTraits }),
    specification: { principal: 'app' },
  },
  'keycloak-client-secret': {
    options: (at) => ({
      url: urlOf('http', at),
      realm: 'shop',
      login: { clientId: 'rotor', secretFile: fileOf(at) },
      rotationPolicy: false,
    }),
    specification: { clientId: 'app' },
  },
  'mariadb-user': {
    options: (at) => ({
      ...{ host: '127.0.0.1', port: at.port, user: 'rotor', passwordFile: fileOf(at) },
      tls: at.tls ? {} : false,
    }),
    specification: { user: 'app' },
  },
  'openbao-approle': {
    options: (at) => baoOptions(at),
    specification: { role: 'app' },
  },
  postgres: {
    options: (at) => {
      const login = `postgres://rotor:a-login-of-rotor@127.0.0.1:${String(at.port)}/app`;
      const sslmode = at.tls ? 'verify-full' : 'disable';
      return { adminUrlFile: fileOf(at, `${login}?sslmode=${sslmode}`) };
    },
    specification: { ownerRole: 'app', database: 'app' },
  },
  'rabbitmq-user': {
    options: (at) => ({
      url: urlOf('http', at),
      user: 'rotor',
      passwordFile: fileOf(at),
      amqpUrl: urlOf('amqp', at),
    }),
    specification: { user: 'app', vhost: '/' },
  },
  'redis-acl': {
    options: (at) => ({ urls: [urlOf('redis', at)], passwordFile: fileOf(at) }),
    specification: { user: 'app' },
  },
};

export const issuersAt = Object.keys(openings);

const baoOptions = (at: At): object => ({ url: urlOf('http', at), tokenFile: fileOf(at) });

const others: Readonly<Record<string, (at: At) => Asked>> = {
  'aws-secrets-manager': (at) =>
    ofConnector(
      awsSecretsManager.open(awsSecretsManager.options.parse(awsOptions(at))),
      destinationAt({ secret: 'app' }),
    ),
  'openbao-kv': (at) =>
    ofConnector(
      kvConnector.open(kvConnector.options.parse(baoOptions(at))),
      destinationAt({ mount: 'secret', path: 'app', key: 'password' }),
    ),
  'store openbao-kv': (at) =>
    ofStore(kvStore.open(kvStore.options.parse(baoOptions(at)), noContext)),
};

export const everyKind = [...issuersAt, ...Object.keys(others)];

export function askedAt(kind: string, at: At): Asked {
  return others[kind]?.(at) ?? ofIssuer(kind, at);
}

function ofConnector(connector: Connector, place: Destination): Asked {
  const delivery = deliveryOf(place, 'a-value');
  return {
    list: () => connector.held(place, []),
    deliver: () => connector.deliver(delivery),
    forget: () => connector.forget(delivery),
    withdraw: () => connector.withdraw(delivery),
  };
}

function ofStore(store: Store): Asked {
  const versionId = randomUUID();
  return {
    list: () => store.get(versionId),
    put: () => store.put(versionId, new SecretValue('a-value')),
    destroy: () => store.destroy(versionId),
  };
}

function ofIssuer(kind: string, at: At): Asked {
  const found: IssuerKind | undefined = issuerKinds.find((one) => one.kind === kind);
  const opening = openings[kind];
  if (found === undefined || opening === undefined) throw new Error(`there is no kind ${kind}`);
  const issuer: Issuer = found.open(found.options.parse(opening.options(at)), contextOf('test'));
  const specification = found.specification.parse(opening.specification) as object;
  const secret = { secretId: randomUUID(), name: 'acme/app', specification: { ...specification } };
  const value = new SecretValue(
    kind === 'aws-iam-access-key'
      ? '{"AccessKeyId":"AKIAXXXXXXXXXXXXXXXX","SecretAccessKey":"a-value"}'
      : 'a-value',
  );
  const versionId = randomUUID();
  const tag = `test/${versionId}`;
  const ref = { secret, versionId, credentialId: 'AKIAXXXXXXXXXXXXXXXX', tag };
  const own = issuer.traits.valueChosenBy === 'ours' ? { value } : {};
  return {
    list: () => issuer.list(secret),
    mint: () => issuer.mint({ secret, versionId, tag, expiresAt: undefined, ...own }),
    verify: () => issuer.verify(ref, value, 'mark'),
    revoke: () => issuer.revoke(ref),
    disable: async () => issuer.disable?.(ref, new Date()),
    observedUse: async () => issuer.observedUse?.(secret, new Date()),
    openUse: async () => issuer.openUse?.(ref),
    endOpenUse: async () => issuer.endOpenUse?.(ref),
    check: async () => issuer.check?.(),
  };
}
