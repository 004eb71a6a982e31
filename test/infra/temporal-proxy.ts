/** TLS in front of the shared Temporal server: sees each call, and may ask for a client certificate or refuse calls as a real one would. */
import { once } from 'node:events';
import {
  connect,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { certificateFor } from '../connectors/certificate.js';
import { sharedTemporal } from '../harness/temporal.js';

export interface Call {
  /** The last part of its path, as DescribeNamespace. */
  readonly name: string;
  readonly authorization: string | undefined;
}

export interface ProxyOptions {
  /** Who may connect, in PEM; everybody where absent. */
  readonly clients?: string;
  /** The gRPC status that the call gets instead of Temporal's answer. */
  readonly refuses?: (call: Call) => number | undefined;
}

export type TemporalProxy = Awaited<ReturnType<typeof openTemporalProxy>>;

export const serverName = 'temporal.test';

export async function openTemporalProxy({ clients, refuses }: ProxyOptions = {}) {
  const { key, cert } = certificateFor(serverName);
  const asks = clients === undefined ? {} : { ca: clients, requestCert: true };
  const calls: Call[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const upstream = connect(`http://${sharedTemporal().address}`);
  const server = createSecureServer({ key, cert, ...asks, rejectUnauthorized: true });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  server.on('stream', (stream, headers) => {
    const { authorization } = headers;
    const call = { name: String(headers[':path']).replace(/.*\//, ''), authorization };
    calls.push(call);
    const status = refuses?.(call);
    if (status === undefined) forward(stream, upstream.request({ ...headers, ':scheme': 'http' }));
    else refuse(stream, status);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    certificate: cert,
    calls,
    async close() {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function refuse(stream: ServerHttp2Stream, status: number): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc' };
  stream.respond(
    { ...headers, 'grpc-status': String(status), 'grpc-message': 'Request unauthorized.' },
    { endStream: true },
  );
}

function forward(
  stream: ServerHttp2Stream,
  request: ReturnType<ReturnType<typeof connect>['request']>,
): void {
  let trailers: IncomingHttpHeaders = {};
  request.on('response', (headers, flags) => {
    const isWhole = (flags & 1) === 1;
    if (!stream.destroyed)
      stream.respond(headers, { endStream: isWhole, waitForTrailers: !isWhole });
  });
  request.on('trailers', (received) => {
    trailers = received;
  });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('close', () => request.close(stream.rstCode));
  stream.on('error', () => request.close());
  request.on('error', () => stream.close());
  stream.pipe(request);
  request.pipe(stream);
}
