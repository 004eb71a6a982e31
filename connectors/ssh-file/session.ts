/** One login by SSH to a machine whose key is pinned, and its files by SFTP; every fault in words of ours. */
import { readFile } from 'node:fs/promises';
import type { Client, SFTPWrapper } from 'ssh2';
import { AdapterError, type AdapterErrorCode } from '../../domain/errors.js';
import { readSecretFile } from '../../reach/secret-file.js';

export interface Machine {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly keyFile: string;
  readonly hostKeyFile: string;
  readonly timeoutMs: number;
}

type Done<T> = (error: unknown, result: T) => void;

export interface Session {
  /** Calls one function of SFTP; its faults are of this path. */
  ask<T>(path: string, call: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T>;
}

/** Logged out when the work is over, whatever came of it. */
export async function inSession<T>(
  machine: Machine,
  signal: AbortSignal | undefined,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { Client: SshClient } = await import('ssh2');
  const client = new SshClient();
  const limit = AbortSignal.timeout(machine.timeoutMs);
  const over = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  const failed = failure(client, over);
  try {
    const session = logIn(client, machine, over).then(openSftp).then(sessionOf(failed));
    return await Promise.race([session.then(work), failed]);
  } finally {
    client.destroy();
  }
}

/** Never resolves: without it a connection that breaks would leave a call unanswered. */
function failure(client: Client, over: AbortSignal): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    const late = (): void =>
      reject(new AdapterError('timed-out', 'the machine did not answer in time'));
    if (over.aborted) late();
    else over.addEventListener('abort', late, { once: true });
    client.on('error', (error) => reject(faultOf(error)));
    client.on('close', () =>
      reject(new AdapterError('unreachable', 'the machine broke off the connection')),
    );
  });
  failed.catch(() => undefined);
  return failed;
}

async function logIn(client: Client, machine: Machine, over: AbortSignal): Promise<Client> {
  const { address: host, port, user: username, keyFile, hostKeyFile, timeoutMs } = machine;
  const pinned = await pinnedKeys(hostKeyFile);
  // Nobody would end a connection that begins after the work was given up.
  over.throwIfAborted();
  const ready = new Promise<Client>((resolve) => client.once('ready', () => resolve(client)));
  client.connect({
    ...{ host, port, username, readyTimeout: timeoutMs },
    algorithms: { serverHostKey: algorithmsOf(pinned) as never },
    privateKey: `${readSecretFile(keyFile).reveal()}\n`,
    hostVerifier: (key: Buffer) => pinned.some((one) => one.key.equals(key)),
  });
  return ready;
}

interface Pinned {
  readonly type: string;
  readonly key: Buffer;
}

/** Lines as in known_hosts, or as in a public key's own file. */
async function pinnedKeys(file: string): Promise<readonly Pinned[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const found = [...text.matchAll(/((?:ssh|ecdsa)-[\w@.-]+) ([A-Za-z0-9+/=]{40,})/g)];
  if (found.length > 0)
    return found.map(([, type = '', key = '']) => ({ type, key: Buffer.from(key, 'base64') }));
  throw new AdapterError('not-permitted', `${file} holds no key of the machine (ssh-keyscan)`);
}

/** Asked for alone: a server with several keys would show one that is not pinned. */
function algorithmsOf(pinned: readonly Pinned[]): string[] {
  const rsa = ['rsa-sha2-512', 'rsa-sha2-256'];
  return [...new Set(pinned.flatMap(({ type }) => (type === 'ssh-rsa' ? rsa : [type])))];
}

function openSftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) =>
    client.sftp((error, sftp) => {
      if (error === undefined) resolve(sftp);
      else reject(new AdapterError('not-permitted', 'the machine gives this user no SFTP'));
    }),
  );
}

function sessionOf(failed: Promise<never>): (sftp: SFTPWrapper) => Session {
  return (sftp) => ({
    ask: (path, call) =>
      Promise.race([
        failed,
        new Promise<never>((resolve, reject) =>
          call(sftp, (error, result) => {
            if (error === undefined || error === null) resolve(result as never);
            else reject(ofPath(error, path));
          }),
        ),
      ]),
  });
}

function fieldOf(error: unknown, name: 'code' | 'level'): unknown {
  return typeof error === 'object' && error !== null && name in error
    ? (error as Record<typeof name, unknown>)[name]
    : undefined;
}

/** What SFTP answers (version 3). */
const codes: Readonly<Record<number, AdapterErrorCode>> = { 2: 'not-found', 3: 'not-permitted' };

function ofPath(error: unknown, path: string): AdapterError {
  const code = codes[Number(fieldOf(error, 'code'))] ?? 'unreachable';
  const why = { 'not-found': 'is not there', 'not-permitted': 'may not be read or written' };
  const told = code in why ? why[code as keyof typeof why] : 'cannot be read or written now';
  return new AdapterError(code, `${path} ${told}`);
}

/** The library tells at which level it failed. */
function faultOf(error: unknown): AdapterError {
  switch (fieldOf(error, 'level')) {
    case 'client-authentication':
      return new AdapterError('not-permitted', "the machine refuses rotor's user or key");
    case 'client-timeout':
      return new AdapterError('timed-out', 'the machine did not answer in time');
    case 'handshake':
    case 'protocol':
      return new AdapterError(
        'not-permitted',
        'the machine has none of the keys in hostKeyFile: it is another, or its key was changed',
      );
    default:
      return new AdapterError('unreachable', 'the machine cannot be reached');
  }
}
