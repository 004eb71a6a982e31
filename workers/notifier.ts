/** A loop in every worker: makes events of findings, and sends what is due; one slow route holds up no other. */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { RouteRule } from '../domain/event.js';
import { AdapterError, RotorError } from '../domain/errors.js';
import { longestSendMs, type Channel } from '../infra/notify/kind.js';
import { tellNews } from '../infra/registry/news.js';
import {
  claimMessages,
  forgetOldEvents,
  recordFailure,
  recordSent,
  type QueuedMessage,
} from '../infra/registry/notifications.js';
import { giveUpFormer } from '../infra/registry/routes.js';
import { startLoop, type Loop } from './loop.js';

export interface NotifierParts {
  readonly pool: pg.Pool;
  readonly identity: string;
  readonly routes: readonly RouteRule[];
  channel(route: string): Channel;
  readonly reached: (point: string) => void;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
  readonly everyMs?: number;
}

/** Longer than any attempt takes: then whoever has claimed it is dead. */
const claimMs = longestSendMs + 30_000;

/** What is being sent when the worker ends may still arrive. */
const graceMs = 3_000;

const tidyEveryMs = 3_600_000;

export function startNotifier(parts: NotifierParts): Loop {
  const hurry = new AbortController();
  const sending = new Map<string, Promise<void>>();
  const look = lookOf({ ...parts, signal: hurry.signal }, sending);
  // A database that is away for a while is no reason to end: what is to be told waits there.
  const loop = startLoop(parts.everyMs ?? 1_000, () =>
    look().catch((error: unknown) =>
      parts.warn('notifications could not be looked for', {
        error: error instanceof Error ? error.name : 'unknown',
      }),
    ),
  );
  return {
    stop: async () => {
      await loop.stop();
      const all = Promise.all(sending.values());
      await Promise.race([all, pause(graceMs, undefined, { ref: false })]);
      hurry.abort();
      await all;
    },
  };
}

type Sending = NotifierParts & { readonly signal: AbortSignal };

/** A route that is still busy is passed over. */
function lookOf(parts: Sending, busy: Map<string, Promise<void>>): () => Promise<void> {
  let tidiedAt: number | undefined;
  return async () => {
    const { pool, routes } = parts;
    // Without a route nobody is told, and what happened is kept for whoever is told next.
    if (routes.length > 0) await tellNews(pool, routes);
    for (const { name } of routes) {
      if (busy.has(name)) continue;
      const sent = sendDue(parts, name).finally(() => busy.delete(name));
      busy.set(name, sent);
    }
    if (tidiedAt !== undefined && Date.now() - tidiedAt < tidyEveryMs) return;
    await tidy(parts);
    tidiedAt = Date.now();
  };
}

/** At the start, and every hour. */
async function tidy({ pool, routes, warn }: Sending): Promise<void> {
  await forgetOldEvents(pool);
  const names = routes.map(({ name }) => name);
  for (const [route, count] of await giveUpFormer(pool, names))
    warn('notifications of a route that is configured no more were given up', { route, count });
}

async function sendDue(parts: Sending, route: string): Promise<void> {
  const { pool, identity, warn } = parts;
  try {
    const messages = await claimMessages(pool, { route, claimant: identity, claimMs });
    await Promise.all(messages.map((message) => sendOne(parts, route, message)));
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    warn('notifications could not be claimed or recorded', { route, error: name });
  }
}

async function sendOne(parts: Sending, route: string, message: QueuedMessage): Promise<void> {
  const { pool, channel, reached, signal, warn } = parts;
  try {
    await channel(route).send(message, signal);
  } catch (error) {
    const failure = toldOf(error);
    const isGivenUp = await recordFailure(pool, { route, message, failure });
    warn(isGivenUp ? 'a notification was given up' : 'a notification was not delivered', {
      route,
      id: message.id,
      failure,
    });
    return;
  }
  reached('notify:sent');
  await recordSent(pool, { route, message });
}

/** Never another's text. */
function toldOf(error: unknown): string {
  if (error instanceof AdapterError || error instanceof RotorError)
    return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.name : 'unknown';
}
