/** Servers that are not what was meant: TLS that nobody vouched for, and ones that refuse in words that nobody may see. */
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls, TLSSocket } from 'node:tls';
import { certificateFor } from '../connectors/certificate.js';

export interface Unfit {
  readonly port: number;
  close(): void;
}

async function listen(server: Server): Promise<Unfit> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** TLS from the first byte on, with a certificate that it signed itself. */
export function untrusted(): Promise<Unfit> {
  return listen(createTls(certificateFor('localhost')).on('tlsClientError', () => undefined));
}

/** TLS as PostgreSQL speaks it: asked for first, then begun. */
export function untrustedPostgres(): Promise<Unfit> {
  const certified = certificateFor('localhost');
  const begin = (socket: Socket): void =>
    void socket.once('data', () => {
      socket.write('S');
      new TLSSocket(socket, { isServer: true, ...certified }).on('error', () => undefined);
    });
  return listen(createServer(begin));
}

/** Offers no TLS, as PostgreSQL says it. */
export function plainPostgres(): Promise<Unfit> {
  return listen(createServer((socket) => void socket.once('data', () => void socket.write('N'))));
}

/** Every answer over HTTP is this one. */
export function saysOverHttp(status: number, body: string): Promise<Unfit> {
  return listen(
    createHttp((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    }),
  );
}

/** Every command is answered by an error of that word. */
export function saysAsRedis(word: string, words: string): Promise<Unfit> {
  return listen(
    createServer((socket) => socket.on('data', () => void socket.write(`-${word} ${words}\r\n`))),
  );
}

/** Whoever says hello is refused by an error of that state. */
export function saysAsPostgres(state: string, words: string): Promise<Unfit> {
  const fields = `SFATAL\0VFATAL\0C${state}\0M${words}\0D${words}\0\0`;
  const message = Buffer.concat([Buffer.from('E'), Buffer.alloc(4), Buffer.from(fields)]);
  message.writeUInt32BE(message.length - 1, 1);
  return listen(createServer((socket) => socket.once('data', () => void socket.end(message))));
}

/** Whoever connects is refused by an error of that number. */
export function saysAsMariaDb(number: number, words: string): Promise<Unfit> {
  const text = Buffer.from(`#08004${words}`);
  const message = Buffer.concat([Buffer.from([text.length + 3, 0, 0, 0, 0xff, 0, 0]), text]);
  message.writeUInt16LE(number, 5);
  return listen(createServer((socket) => void socket.end(message)));
}
