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
  readonly known: Known | undefined;
}

interface Known {
  readonly since: Date;
  readonly name: string | undefined;
}

const Tracked = z.array(z.object({ name: z.string() }));
const Listed = z.array(
  z.object({
    name: z.string(),
    connected_at: z.number().optional(),
    client_properties: z.object({ connection_name: z.string().optional() }).optional(),
  }),
);

export interface Connections {
  /**
   * Of a connection that came and went within moments, the server may remember for ever that it came. What its statistics do
   * not come to know is none; where it keeps no statistics, all count.
   */
  of(user: string): Promise<Connection[]>;
  /** They close after the answer. What is left after a while is the caller's to see. */
  close(user: string): Promise<void>;
}

const closingMs = 3_000;
const lookEveryMs = 50;
/** The server's statistics know a connection within seconds. */
export const longestUnknownMs = 30_000;

export function openConnections(server: Management): Connections {
  /** By user and connection. */
  const unknownSince = new Map<string, ReadonlyMap<string, number>>();
  const of = async (user: string): Promise<Connection[]> => {
    const names = await namesOf(server, user);
    const known = names.length === 0 ? new Map<string, Known>() : await statisticsOf(server);
    const now = Date.now();
    const before = unknownSince.get(user);
    const unknown = names.filter((id) => !known.has(id));
    const since = new Map(unknown.map((id) => [id, before?.get(id) ?? now]));
    unknownSince.set(user, since);
    const isOld = (id: string): boolean => now - (since.get(id) ?? now) > longestUnknownMs;
    const leftovers = new Set(unknown.filter(isOld));
    if (leftovers.size > 0 && !(await keepsStatistics(server))) leftovers.clear();
    return names
      .filter((id) => !leftovers.has(id))
      .map((id) => ({ id, address: addressOf(id), known: known.get(id) }));
  };
  return {
    of,
    close: async (user) => {
      const path = ['connections', 'username', user];
      const reply = await server.ask({ method: 'DELETE', path });
      if (reply.status !== 404) refuseFailed(reply, 'close the connections');
      const stop = Date.now() + closingMs;
      while ((await of(user)).length > 0 && Date.now() < stop) await pause(lookEveryMs);
    },
  };
}

async function namesOf(server: Management, user: string): Promise<string[]> {
  const path = ['connections', 'username', user];
  const reply = await server.ask({ method: 'GET', path });
  return reply.status === 404 ? [] : bodyOf(Tracked, reply).map(({ name }) => name);
}

/** Of all users: asked for once, however many connections there are. A server may keep none. */
async function statisticsOf(server: Management): Promise<ReadonlyMap<string, Known>> {
  const query = '?columns=name,connected_at,client_properties.connection_name';
  const { status, body } = await server.ask({ method: 'GET', path: ['connections'], query });
  const parsed = Listed.safeParse(body);
  if (status !== 200 || !parsed.success) return new Map();
  return new Map(
    parsed.data.flatMap(({ name, connected_at: since, client_properties: told }) =>
      since === undefined
        ? []
        : [[name, { since: new Date(since), name: told?.connection_name }] as const],
    ),
  );
}

const Overview = z.object({ disable_stats: z.boolean() });

async function keepsStatistics(server: Management): Promise<boolean> {
  const query = '?columns=disable_stats';
  const { status, body } = await server.ask({ method: 'GET', path: ['overview'], query });
  const parsed = Overview.safeParse(body);
  return status === 200 && parsed.success && !parsed.data.disable_stats;
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
