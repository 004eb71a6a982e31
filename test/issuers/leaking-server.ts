/** A server whose every answer holds a value that nobody may see again. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';

export interface LeakingServer {
  readonly url: string;
  /** What is answered from now on. */
  answer(status: number, body: string): void;
  close(): void;
}

export async function leakingServer(): Promise<LeakingServer> {
  let [status, text] = [500, ''];
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    answer: (next, body) => {
      [status, text] = [next, body];
    },
    close: () => void server.close(),
  };
}

/** All that a rejection could tell anybody; empty where nothing was thrown. */
export async function toldBy(work: Promise<unknown> | undefined): Promise<string> {
  return Promise.resolve(work).then(
    () => '',
    (error: unknown) => inspect(error, { depth: 9, showHidden: true }),
  );
}
