/** A Redis user with rights of its own, and programs that log in as it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { CredentialRefused } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import { withConnection, type Send } from '../../issuers/redis-acl/connection.js';
import { redisAcl } from '../../issuers/redis-acl/index.js';
import type { PreparedIssuer } from '../contracts/hold-to-issuer.js';
import type { AddressOf } from '../targets/index.js';
import { readCredential } from '../targets/serving.js';
import { contextOf } from './context.js';

export interface PreparedRedis extends PreparedIssuer {
  readonly user: string;
  asAdmin<T>(work: (send: Send) => Promise<T>): Promise<T>;
}

export async function prepareRedis(server: AddressOf<'redis'>): Promise<PreparedRedis> {
  const url = urlOf(server);
  const installation = randomUUID();
  const user = `app-${randomBytes(6).toString('hex')}`;
  const password = new SecretValue(readCredential(server.passwordFile));
  const login = { url, user: server.user, password };
  const asAdmin = <T>(work: (send: Send) => Promise<T>): Promise<T> =>
    withConnection({ ...login, name: 'test' }, work);
  await asAdmin((send) => send(['ACL', 'SETUSER', user, 'on', '~*', '+@all']));
  const options = redisAcl.options.parse({ urls: [url], passwordFile: server.passwordFile });
  return {
    issuer: redisAcl.open(options, contextOf(installation)),
    installation,
    user,
    asAdmin,
    secret: { secretId: randomUUID(), name: 'acme/cache', specification: { user } },
    use: (value, name) => logsIn(url, { user, value, name }),
    plant: async () => {
      await asAdmin((send) => send(['ACL', 'SETUSER', user, `>planted-${randomUUID()}`]));
      const issuer = redisAcl.open(options, contextOf(installation));
      const secret = { secretId: randomUUID(), name: 'acme/cache', specification: { user } };
      return (await issuer.list(secret))[0]?.credentialId ?? '';
    },
    close: async () => {
      await asAdmin((send) => send(['ACL', 'DELUSER', user]));
    },
  };
}

export function urlOf({ host, port }: AddressOf<'redis'>): string {
  return `redis://${host}:${String(port)}`;
}

interface LoggingIn {
  readonly user: string;
  readonly value: string;
  readonly name: string;
}

export async function logsIn(url: string, { user, value, name }: LoggingIn): Promise<boolean> {
  try {
    await withConnection({ url, user, password: new SecretValue(value), name }, (send) =>
      send(['PING']),
    );
    return true;
  } catch (error) {
    if (error instanceof CredentialRefused) return false;
    throw error;
  }
}
