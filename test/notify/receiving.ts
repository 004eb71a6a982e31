/** What people are told by, as real servers: something that takes POSTs, and a mail server. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import type { Certified } from '../connectors/certificate.js';

export interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export async function takePosts() {
  const posts: Post[] = [];
  const behaviour = { status: 200, silent: false };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      posts.push({ headers: request.headers, body });
      if (!behaviour.silent) response.writeHead(behaviour.status).end('ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    posts,
    behaviour,
    url: `http://127.0.0.1:${port}/hook`,
    json: <T>(index: number) => JSON.parse(posts[index]?.body ?? '') as T,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface MailServer {
  readonly port: number;
  readonly mails: readonly string[];
  close(): Promise<void>;
}

export interface MailServing {
  readonly port?: number;
  /** It asks for this password, and speaks STARTTLS. */
  readonly password?: string;
  readonly certified?: Certified;
}

export async function serveMail(serving: MailServing = {}): Promise<MailServer> {
  const mails: string[] = [];
  const { port = 0, password, certified } = serving;
  const server = new SMTPServer({
    ...(certified === undefined ? { disabledCommands: ['STARTTLS'] } : certified),
    authOptional: password === undefined,
    logger: false,
    onAuth: (auth, _session, done) => {
      if (auth.password === password) done(null, { user: 'rotor' });
      else done(new Error('no'));
    },
    onData: (stream, _session, done) => {
      void text(stream).then((mail) => {
        mails.push(mail);
        done();
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
