/** One connection to a MariaDB server at a time: opened, asked, closed; errors reduced to codes. */
import { readFileSync } from 'node:fs';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Connection, ConnectionConfig } from 'mariadb';
import { AdapterError, CredentialRefused, type AdapterErrorCode } from '../../domain/errors.js';
import type { SecretValue } from '../../domain/secret-value.js';
import { networkFault } from '../../reach/network-fault.js';

export interface Server {
  readonly host: string;
  readonly port: number;
  readonly tls: false | { readonly caFile?: string | undefined };
}

export interface Login {
  readonly server: Server;
  readonly user: string;
  readonly password: SecretValue;
}

export interface Session {
  /** Of this connection; the server numbers connections as they come. */
  readonly id: number;
  /** Values are escaped into the text. */
  ask(sql: string, values?: readonly unknown[]): Promise<readonly unknown[]>;
}

const timeoutMs = 10_000;

/** Nothing else: a server could ask for the password as it is, or send us elsewhere. */
const careful = {
  restrictedAuth: ['mysql_native_password', 'client_ed25519', 'parsec'],
  permitRedirect: false,
  permitLocalInfile: false,
  multipleStatements: false,
  logger: {},
};

/** Throws CredentialRefused where the server does not take the login, and AdapterError for all else. */
export async function withConnection<T>(
  login: Login,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { createConnection } = await import('mariadb');
  const options = optionsOf(login);
  let connection: Connection | undefined;
  try {
    connection = await createConnection(options);
    // Told by what is asked, too; unheard, it would end the process.
    connection.on('error', () => undefined);
    return await work(sessionOf(connection));
  } catch (error) {
    throw toAdapterError(error);
  } finally {
    connection?.destroy();
  }
}

function sessionOf(connection: Connection): Session {
  return {
    id: connection.threadId ?? 0,
    ask: async (sql, values = []) => {
      const found: unknown = await connection.query(sql, values).catch((error: unknown) => {
        throw toAdapterError(error);
      });
      return Array.isArray(found) ? (found as readonly unknown[]) : [];
    },
  };
}

function optionsOf({ server, user, password }: Login): ConnectionConfig {
  const { host, port } = server;
  return {
    ...careful,
    host,
    port,
    user,
    password: password.reveal(),
    connectTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    connectAttributes: { program_name: 'rotor' },
    ssl: tlsOf(server),
  };
}

function tlsOf({ host, tls }: Server): Exclude<ConnectionConfig['ssl'], undefined> {
  if (tls === false) return false;
  const options = {
    rejectUnauthorized: true,
    ...authorities(tls.caFile),
    // The library gives the socket and not the name.
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      checkServerIdentity(host, certificate),
  };
  return options;
}

function authorities(file: string | undefined): { readonly ca?: string } {
  if (file === undefined) return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch {
    throw new AdapterError('not-permitted', `${file} (tls.caFile) cannot be read`);
  }
}

type Meaning = readonly [AdapterErrorCode, string];

const missingRight: Meaning = [
  'not-permitted',
  "rotor's login lacks a right on the server: it needs SELECT on mysql.global_priv, and CREATE USER, PROCESS and CONNECTION ADMIN on *.*",
];

const expiredText =
  'the account has a password that the server says has expired: it takes the login and nothing more';

/** By the server's number, or the library's own. The words beside it quote what was sent: they stay behind. */
const ofErrors: Readonly<Record<number, Meaning>> = {
  1040: ['busy', 'the server has no room for another connection'],
  1044: missingRight,
  1094: ['not-found', 'the server has no such connection'],
  1095: missingRight,
  1142: missingRight,
  1143: missingRight,
  1146: ['refused', 'the server is no MariaDB of version 10.4 or later'],
  1203: ['busy', 'the user has as many connections as it may'],
  1205: ['busy', 'the server waits for a lock'],
  1226: ['busy', 'the user has as many connections as it may (MAX_USER_CONNECTIONS and the like)'],
  1227: missingRight,
  1290: [
    'refused',
    'the server takes no change: it is read-only, or strict_password_validation lets no password in by its hash',
  ],
  1820: ['refused', expiredText],
  1836: ['refused', 'the server takes no change: it is read-only'],
  1862: ['refused', expiredText],
  4150: [
    'refused',
    'the server blocks the user for too many wrong passwords (max_password_errors)',
  ],
  4151: ['refused', 'the account is locked: nobody can log in as it'],
  45012: ['timed-out', 'the server did not answer in time'],
  45023: ['refused', 'the server offers no TLS (tls: false does without)'],
  45026: ['timed-out', 'the server did not answer in time'],
  45047: ['refused', 'the server asks for the password in a way that rotor does not give it'],
};

/** Also of a user that may log in without a password alone. */
const refusals: ReadonlySet<number> = new Set([1045, 1698]);

function toAdapterError(error: unknown): Error {
  if (error instanceof AdapterError || error instanceof CredentialRefused) return error;
  const number =
    error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? error.errno : 0;
  if (refusals.has(number)) return new CredentialRefused();
  const meaning = ofErrors[number];
  if (meaning !== undefined) return new AdapterError(...meaning);
  // What the server refuses besides; the network's faults have numbers below zero, or none.
  if (number >= 1_000 && number < 5_000)
    return new AdapterError('refused', `the server refuses the statement (error ${number})`);
  return networkFault(error, 'the server');
}
