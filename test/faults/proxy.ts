/** A TCP proxy between rotor's processes and a server, so that a test can take the server away from them. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Proxy {
  readonly port: number;
  /** Breaks every connection, and every new one at once: a server that is down. */
  cut(): void;
  /** Answers nothing more and breaks nothing: a server that hangs, or a network that swallows. */
  hang(): void;
  mend(): void;
  close(): Promise<void>;
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

export async function openProxy(target: Target): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: 'open' | 'cut' | 'hanging' = 'open';
  const breakAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const server = createServer((near) => {
    near.on('error', () => near.destroy());
    if (state === 'cut') return void near.resetAndDestroy();
    const far = connect(target);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay();
      from.on('error', () => from.destroy());
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
      from.on('data', (bytes: Buffer) => (state === 'open' ? to.write(bytes) : undefined));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      state = 'cut';
      breakAll();
    },
    hang: () => {
      state = 'hanging';
    },
    mend: () => {
      // What was swallowed is lost: a connection that hung is of no use any more.
      if (state === 'hanging') breakAll();
      state = 'open';
    },
    close: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Proxies {
  readonly database: Proxy;
  readonly temporal: Proxy;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
}

export async function openProxies(databaseUrl: string, temporalAddress: string): Promise<Proxies> {
  const through = new URL(databaseUrl);
  const database = await openProxy({ host: through.hostname, port: Number(through.port) });
  const [host = '', port = ''] = temporalAddress.split(':');
  const temporal = await openProxy({ host, port: Number(port) });
  through.hostname = '127.0.0.1';
  through.port = String(database.port);
  return {
    database,
    temporal,
    databaseUrl: through.href,
    temporalAddress: `127.0.0.1:${temporal.port}`,
  };
}
