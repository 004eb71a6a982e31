/** What watches rotor from outside: is it alive, is it ready, and how do things stand. */
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Queryable } from '../infra/postgres.js';
import { authenticate, demand } from './access.js';
import { metricsType, type Metrics } from './metrics.js';

export interface Observation {
  readonly metrics: Metrics;
  /** Served to whoever asks, without a token. */
  readonly publicMetrics: boolean;
  /** Each settles when that part answers. */
  readonly parts: Readonly<Record<string, () => Promise<unknown>>>;
}

const answersWithinMs = 2_000;

export function mountObservation(
  server: FastifyInstance,
  db: Queryable,
  { metrics, publicMetrics, parts }: Observation,
): void {
  server.get('/livez', () => ({ status: 'alive' }));
  server.get('/readyz', async (_request, reply) => {
    const answers = await Promise.all(
      Object.entries(parts).map(async ([part, ask]) => [part, await doesAnswer(ask)] as const),
    );
    const isReady = answers.every(([, answered]) => answered);
    // Which part, and no word more: anybody may ask this.
    const told = answers.map(([part, answered]) => [part, answered ? 'answers' : 'away']);
    return reply
      .code(isReady ? 200 : 503)
      .send({ status: isReady ? 'ready' : 'not ready', parts: Object.fromEntries(told) });
  });
  server.get('/metrics', async (request, reply) => {
    const by = publicMetrics ? undefined : await authenticate(db, request);
    if (by !== undefined) demand(by, 'read');
    return reply.type(metricsType).send(await metrics(by?.organization));
  });
}

async function doesAnswer(ask: () => Promise<unknown>): Promise<boolean> {
  const tooLong = pause(answersWithinMs, false, { ref: false });
  const answer = ask().then(
    () => true,
    () => false,
  );
  return Promise.race([answer, tooLong]);
}
