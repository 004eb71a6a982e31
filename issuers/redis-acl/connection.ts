/** One connection to a Redis server at a time: opened, asked, closed; errors reduced to codes. */
import type { RedisClientOptions } from '@redis/client';
import { AdapterError, CredentialRefused, type AdapterErrorCode } from '../../domain/errors.js';
import type { SecretValue } from '../../domain/secret-value.js';
import { networkFault } from '../../reach/network-fault.js';

/** What was asked for is answered as it comes: maps as flat lists (RESP 2). */
export type Send = (command: readonly string[]) => Promise<unknown>;

export interface Login {
  readonly url: string;
  readonly user: string;
  readonly password: SecretValue;
  /** How the connection is called in the server's list. */
  readonly name: string;
}

const timeoutMs = 10_000;

/** Throws CredentialRefused where the server does not take the login, and AdapterError for all else. */
export async function withConnection<T>(
  login: Login,
  work: (send: Send) => Promise<T>,
): Promise<T> {
  const { createClient } = await import('@redis/client');
  const client = createClient({ ...optionsOf(login), RESP: 2 });
  // Told by what is asked, too; unheard, it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work((command) =>
      client.sendCommand([...command]).catch((error: unknown) => {
        throw toAdapterError(error, command);
      }),
    );
  } catch (error) {
    // The one thing that a login may be refused for want of a right: connections have names.
    throw toAdapterError(error, ['CLIENT', 'SETNAME']);
  } finally {
    client.destroy();
  }
}

function optionsOf({ url, user, password, name }: Login): RedisClientOptions {
  const { protocol, hostname, port } = new URL(url);
  return {
    url: `${protocol}//${hostname}:${port || '6379'}`,
    username: user,
    password: password.reveal(),
    name,
    disableOfflineQueue: true,
    commandOptions: { timeout: timeoutMs },
    socket: { connectTimeout: timeoutMs, reconnectStrategy: false },
  };
}

type Meaning = readonly [AdapterErrorCode, string];

/** By the first word of a reply. The words after it may quote what was sent: they stay behind. */
const ofReplies: Readonly<Record<string, Meaning>> = {
  BUSY: ['busy', 'the server runs a script'],
  LOADING: ['busy', 'the server reads its data in'],
  MASTERDOWN: ['unreachable', 'the server has lost its master'],
  READONLY: ['refused', 'the server takes no changes'],
  ERR: ['refused', 'the server refuses the command'],
};

const refusals: ReadonlySet<string> = new Set(['WRONGPASS', 'NOAUTH']);

/** Whose second word is a part of the name, and nothing that somebody gave. */
const ofTwoWords: ReadonlySet<string> = new Set(['ACL', 'CLIENT', 'CONFIG']);

function missingRight([first = '', second = '']: readonly string[]): AdapterError {
  const name = ofTwoWords.has(first) ? `${first} ${second}` : first;
  return new AdapterError('not-permitted', `rotor's login may not do ${name} on the server`);
}

function firstWordOf(error: unknown): string | undefined {
  return error instanceof Error ? /^[A-Z]+(?= )/.exec(error.message)?.[0] : undefined;
}

function toAdapterError(error: unknown, command: readonly string[]): Error {
  if (error instanceof AdapterError || error instanceof CredentialRefused) return error;
  const word = firstWordOf(error);
  if (word !== undefined && refusals.has(word)) return new CredentialRefused();
  if (word === 'NOPERM') return missingRight(command);
  const meaning = ofReplies[word ?? ''];
  return meaning === undefined ? networkFault(error, 'the server') : new AdapterError(...meaning);
}
