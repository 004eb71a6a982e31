/** Why Temporal cannot be used, told apart by what people do about it; Temporal's clients say of all but a call only that time ran out. */
import { connect as openHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as openSocket, type Socket } from 'node:net';
import { connect as openTls, type TLSSocket } from 'node:tls';
import { RotorError, type ErrorKind } from '../domain/errors.js';
import { hasCode } from './error-code.js';
import type { TemporalAccess } from './temporal-access.js';

type Fault = 'unreachable' | 'certificate-refused' | 'not-permitted' | 'other-protocol';

const withinMs = 5_000;

/** Codes of gRPC's. */
const permissionDenied = 7;
const unauthenticated = 16;

const words: Readonly<Record<Fault, { kind: ErrorKind; message: string; hint: string }>> = {
  unreachable: {
    kind: 'unavailable',
    message: 'nobody answers',
    hint: 'is the server up, and TEMPORAL_ADDRESS right?',
  },
  'certificate-refused': {
    kind: 'denied',
    message: "the server's certificate is refused",
    hint: 'name who signed it in TEMPORAL_TLS_SERVER_CA_CERT_PATH, and the name that it holds in TEMPORAL_TLS_SERVER_NAME',
  },
  'not-permitted': {
    kind: 'denied',
    message: 'the server does not accept rotor',
    hint: 'TEMPORAL_API_KEY_FILE, or TEMPORAL_TLS_CLIENT_CERT_PATH and _KEY_PATH, must be what the server knows and allows in the namespace',
  },
  'other-protocol': {
    kind: 'invalid',
    message: 'something answers, but not as expected',
    hint: 'TEMPORAL_TLS=true where the server speaks TLS, TEMPORAL_TLS=false where it does not; is the server behind a proxy up?',
  },
};

function faultOf(fault: Fault, { address }: TemporalAccess, more?: string): RotorError {
  const { kind, message, hint } = words[fault];
  const why = more === undefined ? '' : ` (${more})`;
  return new RotorError(`temporal-${fault}`, `Temporal at ${address}: ${message}${why}`, {
    kind,
    hint,
  });
}

/** @returns undefined where the answer is about the call itself, not about who may connect */
export async function faultAfter(
  error: unknown,
  access: TemporalAccess,
): Promise<RotorError | undefined> {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  for (const code of [permissionDenied, unauthenticated])
    if (hasCode(cause, code)) return faultOf('not-permitted', access);
  return connectionFault(access);
}

/** Shakes hands as a client of Temporal's does, and calls nothing. */
export async function connectionFault(access: TemporalAccess): Promise<RotorError | undefined> {
  const reached: Reached = { host: false, tls: false };
  const socket = open(access, reached);
  const session = openHttp2(`http://${access.address}`, { createConnection: () => socket });
  try {
    await settings(session, socket);
    return undefined;
  } catch (error) {
    return judge(access, { reached, refused: refusedBecause(socket), error });
  } finally {
    session.destroy();
    socket.destroy();
  }
}

interface Reached {
  host: boolean;
  tls: boolean;
}

function open({ address, tls }: TemporalAccess, reached: Reached): Socket {
  const { hostname, port } = new URL(`tcp://${address}`);
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
  const socket =
    tls === undefined
      ? openSocket(place)
      : openTls({
          ...place,
          ALPNProtocols: ['h2'],
          ...(tls.serverName !== undefined && { servername: tls.serverName }),
          ...(tls.serverCa !== undefined && { ca: tls.serverCa }),
          ...(tls.client !== undefined && {
            cert: tls.client.certificate,
            key: tls.client.key.reveal(),
          }),
        });
  socket.once('connect', () => (reached.host = true));
  socket.once('secureConnect', () => (reached.tls = true));
  return socket;
}

class TimedOut extends Error {
  readonly code = 'ETIMEDOUT';
}

/** The server's settings are its first words, and come when it has accepted our certificate. */
function settings(session: ClientHttp2Session, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error): void => reject(error ?? new Error('closed'));
    session.once('remoteSettings', () => resolve());
    session.on('error', end);
    session.once('close', () => end());
    socket.on('error', end);
    socket.once('close', () => end());
    socket.setTimeout(withinMs, () => end(new TimedOut()));
  });
}

/** Node says here why it did not believe the certificate. */
function refusedBecause(socket: Socket | TLSSocket): string | undefined {
  const why: unknown = 'authorizationError' in socket ? socket.authorizationError : undefined;
  return typeof why === 'string' ? why : undefined;
}

interface Evidence {
  readonly reached: Reached;
  readonly refused: string | undefined;
  readonly error: unknown;
}

function judge(access: TemporalAccess, { reached, refused, error }: Evidence): RotorError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (refused !== undefined) return faultOf('certificate-refused', access, refused);
  if (isDown(reached, code)) return faultOf('unreachable', access, code);
  const saysNo = reached.tls || code?.includes('ALERT') === true;
  return faultOf(saysNo ? 'not-permitted' : 'other-protocol', access, code);
}

/** A proxy before a server that is down takes the connection, and resets it. */
function isDown(reached: Reached, code: string | undefined): boolean {
  if (!reached.host || code === 'ETIMEDOUT') return true;
  return !reached.tls && code === 'ECONNRESET';
}
