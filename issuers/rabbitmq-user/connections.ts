/** Connections of a user: who is connected is known at once, since when and as whom some seconds later. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { OpenUse, UseSource } from '../../domain/issuer.js';
import { bodyOf, refuseFailed, type Management } from './management.js';

export interface Connection {
  /** Of both ends, which no other connection has meanwhile. */
  readonly id: string;
  readonly address: string | undefined;
  /** Undefined until the server's statistics know the connection. */
  readonly known: { readonly since: Date; readonly name: string | undefined } | undefined;
}

const Tracked = z.array(z.object({ name: z.string() }));
const Known = z.array(
  z.object({
    name: z.string(),
    connected_at: z.number().optional(),
    client_properties: z.object({ connection_name: z.string().optional() }).optional(),
  }),
);

export async function connectionsOf(server: Management, user: string): Promise<Connection[]> {
  const names = await namesOf(server, user);
  if (names.length === 0) return [];
  const known = await statisticsOf(server);
  return names.map((id) => ({ id, address: addressOf(id), known: known.get(id) }));
}

async function namesOf(server: Management, user: string): Promise<string[]> {
  const path = ['connections', 'username', user];
  const reply = await server.ask({ method: 'GET', path });
  return reply.status === 404 ? [] : bodyOf(Tracked, reply).map(({ name }) => name);
}

/** Of all users: asked for once, however many connections there are. A server may keep none. */
async function statisticsOf(
  server: Management,
): Promise<ReadonlyMap<string, NonNullable<Connection['known']>>> {
  const query = '?columns=name,connected_at,client_properties.connection_name';
  const { status, body } = await server.ask({ method: 'GET', path: ['connections'], query });
  const parsed = Known.safeParse(body);
  if (status !== 200 || !parsed.success) return new Map();
  return new Map(
    parsed.data.flatMap(({ name, connected_at: since, client_properties: told }) =>
      since === undefined
        ? []
        : [[name, { since: new Date(since), name: told?.connection_name }] as const],
    ),
  );
}

/** "10.0.0.7:42444 -> 10.0.0.1:5672", or with [::1]. */
function addressOf(name: string): string | undefined {
  return /^\[?([0-9a-fA-F.:]+?)\]?:\d+ -> /.exec(name)?.[1];
}

export function sourceOf({ address, known }: Connection): UseSource {
  const name = known?.name;
  return {
    ...(address === undefined ? {} : { address }),
    ...(name === undefined || name === '' ? {} : { name }),
  };
}

export function openUseOf(connections: readonly Connection[]): OpenUse[] {
  return connections.map((connection) => ({
    kind: 'session',
    id: connection.id,
    source: sourceOf(connection),
    since: connection.known?.since ?? new Date(),
  }));
}

const closingMs = 3_000;
const lookEveryMs = 50;

/** They close after the answer: gone is what is no longer listed. What is left after a while is the caller's to see. */
export async function closeConnections(server: Management, user: string): Promise<void> {
  const path = ['connections', 'username', user];
  const reply = await server.ask({ method: 'DELETE', path });
  if (reply.status !== 404) refuseFailed(reply, 'close the connections');
  const stop = Date.now() + closingMs;
  while ((await namesOf(server, user)).length > 0 && Date.now() < stop) await pause(lookEveryMs);
}
