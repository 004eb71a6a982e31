/** How Temporal is reached, and what its two clients need to connect: made here for every process. */
import type { ConnectionOptions } from '@temporalio/client';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { SecretValue } from '../domain/secret-value.js';

/** Can be printed: what is secret is wrapped. Certificates are in PEM. */
export interface TemporalAccess {
  /** HOST:PORT */
  readonly address: string;
  /** Absent where the connection is not encrypted. */
  readonly tls?: TemporalTls;
  readonly apiKey?: SecretValue;
  /** Headers of each call; a proxy may want some of its own. */
  readonly metadata?: Readonly<Record<string, SecretValue>>;
}

export interface TemporalTls {
  /** The name that the server's certificate must hold, where it is not the host's. */
  readonly serverName?: string;
  /** Who signed the server's certificate; the system's list where absent. */
  readonly serverCa?: string;
  readonly client?: { readonly certificate: string; readonly key: SecretValue };
}

/** Where a server listens that was started by hand. */
export const usualTemporal: TemporalAccess = { address: '127.0.0.1:7233' };

/** A server that was away for long is found again this soon. */
const longestPauseMs = 3_000;

type CommonOptions = Pick<NativeConnectionOptions, 'address' | 'tls' | 'apiKey' | 'metadata'>;

export function clientOptions(access: TemporalAccess): ConnectionOptions {
  const channelArgs = { 'grpc.max_reconnect_backoff_ms': longestPauseMs };
  return { ...commonOptions(access), channelArgs };
}

function commonOptions({ address, tls, apiKey, metadata }: TemporalAccess): CommonOptions {
  return {
    address,
    tls: tls === undefined ? false : tlsOptions(tls),
    ...(apiKey !== undefined && { apiKey: apiKey.reveal() }),
    ...(metadata !== undefined && { metadata: revealed(metadata) }),
  };
}

/** On one machine, compressing costs more than it saves. */
export function nativeOptions(access: TemporalAccess): NativeConnectionOptions {
  const options = commonOptions(access);
  return isLoopback(access.address) ? { ...options, grpcCompression: { codec: 'none' } } : options;
}

function tlsOptions({ serverName, serverCa, client }: TemporalTls) {
  return {
    ...(serverName !== undefined && { serverNameOverride: serverName }),
    ...(serverCa !== undefined && { serverRootCACertificate: Buffer.from(serverCa) }),
    ...(client !== undefined && {
      clientCertPair: {
        crt: Buffer.from(client.certificate),
        key: Buffer.from(client.key.reveal()),
      },
    }),
  };
}

function revealed(values: Readonly<Record<string, SecretValue>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.reveal()]));
}

export function isLoopback(address: string): boolean {
  const { hostname } = new URL(`tcp://${address}`);
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** For people: what protects the connection, and what rotor shows of itself. */
export function describeAccess({ tls, apiKey }: TemporalAccess): string {
  const shown = [
    ...(tls?.client === undefined ? [] : ['client certificate']),
    ...(apiKey === undefined ? [] : ['API key']),
  ];
  const encrypted = `${tls === undefined ? 'not ' : ''}encrypted`;
  return shown.length === 0 ? encrypted : `${encrypted}, with ${shown.join(' and ')}`;
}
