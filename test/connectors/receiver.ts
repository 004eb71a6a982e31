/** A receiver of webhooks as a dependent would write it: checks the signature, keeps the value, attests its version. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Certified } from './certificate.js';

export interface Receiver {
  /** Of a place of its own. */
  url(path: string): string;
  readonly requests: Received[];
  /** Answers instead of the receiver, where it is set. */
  answer: ((response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

interface Received {
  readonly path: string;
  readonly method: string;
  readonly host: string | undefined;
  readonly delivery: string | string[] | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  readonly value: string;
}

/** With a certificate it speaks TLS. */
export async function openReceiver(key: string, certified?: Certified): Promise<Receiver> {
  const used = new Map<string, string>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void receive(request, response);
  };
  const server =
    certified === undefined ? createServer(onRequest) : createTlsServer(certified, onRequest);
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await text(request);
    if (receiver.answer !== undefined) {
      receiver.answer(response);
      return;
    }
    if (!isSigned(String(request.headers['rotor-signature']), sent, key)) {
      response.writeHead(401).end();
      return;
    }
    const path = request.url ?? '';
    const body = JSON.parse(sent) as Record<string, string>;
    receiver.requests.push({
      path,
      method: request.method ?? '',
      host: request.headers.host,
      delivery: request.headers['rotor-delivery'],
      body,
      value: body['value'] ?? '',
    });
    if (body['withdrawn'] !== undefined) used.delete(path);
    if (body['version'] !== undefined) used.set(path, body['version'] ?? '');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ uses: used.get(path) ?? null }));
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: (path) => `http${certified === undefined ? '' : 's'}://127.0.0.1:${port}/${path}`,
    requests: [],
    answer: undefined,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}

function isSigned(header: string, body: string, key: string): boolean {
  const [, time = '', mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  if (Math.abs(Date.now() / 1_000 - Number(time)) > 300 || mac === '') return false;
  const wanted = createHmac('sha256', key).update(`${time}.${body}`).digest();
  return timingSafeEqual(wanted, Buffer.from(mac, 'hex'));
}
