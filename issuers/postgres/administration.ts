/** SQL as the administrator of somebody's PostgreSQL: roles, sessions, settings; errors reduced to codes. */
import { AdapterError, type AdapterErrorCode } from '../../domain/errors.js';
import { networkFault } from '../../reach/network-fault.js';
import { readSecretFile } from '../../reach/secret-file.js';
import { clientOf } from './connection.js';

export interface Administration {
  /** In the database of the administration URL, or in another one of the same server. */
  query<R extends object>(
    text: string,
    values?: readonly unknown[],
    database?: string,
  ): Promise<R[]>;
  readonly url: URL;
}

const queryTimeoutMs = 10_000;

export function openAdministration(urlFile: string): Administration {
  const url = readUrl(urlFile);
  return {
    url,
    query: async <R extends object>(
      text: string,
      values: readonly unknown[] = [],
      database?: string,
    ) => {
      const client = clientOf(url, { database, application: 'rotor', queryTimeoutMs });
      try {
        await client.connect();
        return (await client.query<R>(text, [...values])).rows;
      } catch (error) {
        throw toAdapterError(error);
      } finally {
        await client.end().catch(() => undefined);
      }
    },
  };
}

function readUrl(file: string): URL {
  const text = readSecretFile(file, 0).reveal();
  try {
    const url = new URL(text);
    decodeURIComponent(url.pathname);
    return url;
  } catch {
    throw new AdapterError('not-permitted', `${file} does not hold a connection URL`);
  }
}

type Meaning = readonly [AdapterErrorCode, string];

const wrong: Meaning = [
  'refused',
  'the server refuses the change: is the specification right, and the role allowed to?',
];

/** Told by the server, or found where it shows less than it would. */
const missingRight: Meaning = [
  'not-permitted',
  "rotor's administrator lacks a right: it needs CREATEROLE, ADMIN OPTION on the owner role, pg_read_all_stats and pg_signal_backend (all of them: README of the issuer)",
];

/** What is not here may pass by itself: shutdowns, standbys, connections that break. */
const byClass: Readonly<Record<string, Meaning>> = {
  '0A': wrong,
  '0L': wrong,
  '0P': wrong,
  '22': wrong,
  // Two at once: where it is there already, the next look finds it.
  '23': ['changed-meanwhile', 'somebody else made the same at this moment'],
  '25': ['unreachable', 'the server takes no changes now: is it a standby?'],
  '28': ['not-permitted', "the server refuses rotor's administrator"],
  '2B': [
    'refused',
    'something depends on the role: give what it owns in another database to the owner role there ' +
      '(REASSIGN OWNED, then DROP OWNED)',
  ],
  '3D': ['refused', 'the server has no such database'],
  '40': ['changed-meanwhile', 'another change came in between'],
  '42': wrong,
  '53': ['busy', 'the server has no room for another connection'],
  '55': ['busy', 'something is in use on the server'],
};

export function lacksRight(): AdapterError {
  return new AdapterError(...missingRight);
}

/** Whoever asked knows better what it was for. */
export function isRefusal(error: unknown): boolean {
  return error instanceof AdapterError && ['refused', 'not-permitted'].includes(error.code);
}

/** SQLSTATE's first two characters are its class; the server's words stay behind. */
export function toAdapterError(error: unknown): AdapterError {
  const state = sqlState(error);
  if (state === '') return ofConnection(error);
  if (state === '42501') return new AdapterError(missingRight[0], `${missingRight[1]} (${state})`);
  const [code, message]: Meaning = byClass[state.slice(0, 2)] ?? [
    'unreachable',
    'the server cannot be reached, or failed',
  ];
  return new AdapterError(code, `${message} (${state})`);
}

/** The client has no code for it, and one text. */
const noTls = 'The server does not support SSL connections';

function ofConnection(error: unknown): AdapterError {
  const text = typeof error === 'object' && error !== null && 'message' in error && error.message;
  if (text === noTls)
    return new AdapterError('refused', 'the server offers no TLS (sslmode of the URL)');
  return networkFault(error, 'the server');
}

export function sqlState(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : '';
}
