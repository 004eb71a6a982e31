/** An account of a MariaDB server with rights of its own, and programs that log in as it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { CredentialRefused } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import {
  withConnection,
  type Server,
  type Session,
} from '../../issuers/mariadb-user/connection.js';
import { mariadbUser } from '../../issuers/mariadb-user/index.js';
import type { PreparedIssuer } from '../contracts/hold-to-issuer.js';
import type { AddressOf } from '../targets/index.js';
import { readCredential } from '../targets/serving.js';
import { contextOf } from './context.js';

export interface PreparedMariaDb extends PreparedIssuer {
  readonly user: string;
  asAdmin<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** What the server keeps of the account. */
  priv(): Promise<string>;
}

type Address = AddressOf<'mariadb'>;

export async function prepareMariaDb(address: Address): Promise<PreparedMariaDb> {
  const server = serverOf(address);
  const installation = randomUUID();
  const user = `app-${randomBytes(6).toString('hex')}`;
  const password = new SecretValue(readCredential(address.passwordFile));
  const asAdmin = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    withConnection({ server, user: address.user, password }, work);
  const secret = { secretId: randomUUID(), name: 'acme/orders', specification: { user } };
  const issuer = mariadbUser.open(optionsOf(address), contextOf(installation));
  await asAdmin(async ({ ask }) => {
    await ask(`create user \`${user}\`@'%' identified via mysql_native_password using 'invalid'`);
  });
  return {
    issuer,
    installation,
    user,
    asAdmin,
    secret,
    priv: () =>
      asAdmin(async ({ ask }) =>
        JSON.stringify(await ask('select * from mysql.global_priv where User = ?', [user])),
      ),
    use: (value) => logsIn(server, user, value),
    plant: async () => {
      await asAdmin(({ ask }) => ask(`alter user \`${user}\`@'%' identified by '${randomUUID()}'`));
      return (await issuer.list(secret))[0]?.credentialId ?? '';
    },
    close: async () => {
      await asAdmin(({ ask }) => ask(`drop user if exists \`${user}\`@'%'`));
    },
  };
}

export function serverOf({ host, port }: Address): Server {
  return { host, port, tls: false };
}

export function optionsOf(
  { host, port, user, passwordFile }: Address,
  more: object = {},
): ReturnType<typeof mariadbUser.options.parse> {
  return mariadbUser.options.parse({ host, port, user, passwordFile, tls: false, ...more });
}

export async function logsIn(server: Server, user: string, value: string): Promise<boolean> {
  const login = { server, user, password: new SecretValue(value) };
  try {
    await withConnection(login, ({ ask }) => ask('select 1'));
    return true;
  } catch (error) {
    if (error instanceof CredentialRefused) return false;
    throw error;
  }
}
