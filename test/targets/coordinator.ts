/** Lets other processes ask for the targets of this one, over loopback; a token in the path keeps strangers out. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';
import type { TargetName } from './index.js';
import type { Pool } from './pool.js';
import type { Address } from './target.js';

export interface Wanted {
  readonly names: readonly TargetName[];
  /** True: what this request began is stopped where it fails, or where who asked goes away before the end. */
  readonly undo: boolean;
}

/** One line of the answer, as soon as that target runs or has failed. */
export type Outcome = { readonly name: TargetName } & (
  | {
      readonly address: Address;
      readonly obtainMilliseconds: number;
      readonly startMilliseconds: number;
    }
  | { readonly error: string }
  | { readonly isStarting: true }
);

export interface Coordinator {
  /** GET: what runs, as Outcomes. POST: a Wanted, answered by Outcomes. DELETE: stops everything. */
  readonly url: string;
  close(): Promise<void>;
}

export async function openCoordinator(
  pool: Pool,
  changed: () => void = () => undefined,
): Promise<Coordinator> {
  const path = `/${randomBytes(24).toString('hex')}`;
  const server = createServer((request, response) => {
    if (request.url !== path) response.writeHead(404).end();
    else
      void answer(pool, request, response).then(() => {
        if (request.method !== 'GET') changed();
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port on 127.0.0.1');
  return {
    url: `http://127.0.0.1:${String(address.port)}${path}`,
    close: async () => {
      await pool.stopAll();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  pool: Pool,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const tell = async (name: TargetName): Promise<void> => {
    response.write(`${JSON.stringify(await outcomeOf(pool, name))}\n`);
  };
  if (request.method === 'DELETE') await pool.stopAll();
  else if (request.method === 'GET') await tellNow(pool, response);
  else await start(pool, JSON.parse(await text(request)) as Wanted, { response, tell });
  response.end();
}

async function tellNow(pool: Pool, response: ServerResponse): Promise<void> {
  for (const name of pool.names()) {
    const starting = turn({ name, isStarting: true });
    response.write(`${JSON.stringify(await Promise.race([outcomeOf(pool, name), starting]))}\n`);
  }
}

interface Telling {
  readonly response: ServerResponse;
  readonly tell: (name: TargetName) => Promise<void>;
}

async function start(pool: Pool, wanted: Wanted, { response, tell }: Telling): Promise<void> {
  const begun = wanted.names.filter((name) => !pool.has(name));
  const told = Promise.all(wanted.names.map((name) => tell(name)));
  if (!wanted.undo) return void (await told);
  const left = once(response, 'close').then(() => 'left' as const);
  if ((await Promise.race([told, left])) !== 'left') return dropFailed(pool, begun);
  await Promise.all(begun.map((name) => pool.stop(name)));
}

/** One that failed would stay failed: the next request may try again. */
async function dropFailed(pool: Pool, names: readonly TargetName[]): Promise<void> {
  for (const name of names) await pool.ask(name).catch(() => pool.stop(name));
}

async function outcomeOf(pool: Pool, name: TargetName): Promise<Outcome> {
  try {
    const { running, ...took } = await pool.ask(name);
    return { name, address: running.address, ...took };
  } catch (error) {
    return { name, error: isNativeError(error) ? error.message : String(error) };
  }
}
