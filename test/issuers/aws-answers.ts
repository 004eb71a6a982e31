/** Stands before AWS, or in its place: answers as it likes, or loses the answer that AWS gave. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Front {
  readonly url: string;
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

export async function openFront(answer: Answer): Promise<Front> {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    void buffer(incoming).then((body) => {
      asked.push(body.toString());
      answer(incoming, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes everything on; where `loses` says so, what was asked for is done and nobody is told. */
export function inFrontOf(url: string, loses: (body: string) => boolean): Answer {
  const { hostname, port } = new URL(url);
  return ({ method, url: path, headers }, response, body) => {
    const onward = request({ hostname, port, method, path, headers }, (reply) => {
      void buffer(reply).then((text) => {
        if (loses(body.toString())) response.destroy();
        else response.writeHead(reply.statusCode ?? 500, reply.headers).end(text);
      });
    });
    onward.end(body);
  };
}

export interface Saying {
  readonly status: number;
  readonly code: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error as IAM writes it, with words that nobody may see. */
export function saying({ status, code, headers = {} }: Saying, words: string): Answer {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${words}</Message></Error>`;
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'text/xml', ...headers });
    response.end(`<ErrorResponse>${error}<RequestId>${words}</RequestId></ErrorResponse>`);
  };
}
