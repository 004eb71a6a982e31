/** The HTTP door: routes from a table, bodies checked, errors as problem details. */
import { Readable } from 'node:stream';
import fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyRequest,
} from 'fastify';
import { RotorError } from '../domain/errors.js';
import type { Queryable } from '../infra/postgres.js';
import { check } from '../schemas/problems.js';
import { authenticate, demand, demandOrganization } from './access.js';
import { mountObservation, type Observation } from './observation.js';
import { problemOf } from './problem.js';
import type { Route } from './route.js';

export interface ServerParts {
  readonly db: Queryable;
  readonly routes: readonly Route[];
  readonly observation: Observation;
  /** The authority, mounted beside the API where it is configured. */
  readonly mounted: readonly FastifyPluginAsync[];
  readonly https?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Trust X-Forwarded-For: only behind a proxy that sets it. */
  readonly behindProxy: boolean;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
}

const largestBody = 8 * 1024 * 1024;

export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const server = fastify({
    logger: false,
    bodyLimit: largestBody,
    trustProxy: parts.behindProxy,
    ...(parts.https === undefined ? {} : { https: parts.https }),
  }) as unknown as FastifyInstance;
  server.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) parts.warn('a request failed', { code: nameOf(error) });
    return reply.code(problem.status).type('application/problem+json').send(problem);
  });
  server.setNotFoundHandler((_request, reply) => {
    const error = new RotorError('no-such-route', 'there is nothing here', { kind: 'missing' });
    return reply.code(404).type('application/problem+json').send(problemOf(error));
  });
  server.get('/health', async () => {
    await parts.db.query('select 1');
    return { status: 'ready' };
  });
  mountObservation(server, parts.db, parts.observation);
  for (const plugin of parts.mounted) await server.register(plugin);
  for (const route of parts.routes) mount(server, parts, route);
  return server;
}

/** A driver's code or an error's class; never its text. */
function nameOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'unknown';
}

function mount(server: FastifyInstance, parts: ServerParts, route: Route): void {
  server.route({
    method: route.method,
    url: route.url,
    handler: async (request, reply) => {
      const by = await authenticate(parts.db, request);
      demand(by, route.right);
      const params = request.params as Record<string, string>;
      if (params['organization'] !== undefined) demandOrganization(by, params['organization']);
      const body = parseBody(route, request.body);
      const query = request.query as Record<string, unknown>;
      const result = await route.handle({
        params,
        body,
        query,
        by,
        idempotencyKey: keyOf(request),
      });
      if (result instanceof Readable) void reply.type('application/x-ndjson');
      return result ?? {};
    },
  });
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw new RotorError(
    'idempotency-key-invalid',
    'Idempotency-Key has 1 to 200 visible characters',
    {
      kind: 'invalid',
    },
  );
}

function parseBody({ body: schema }: Route, body: unknown): unknown {
  if (schema === undefined) return undefined;
  const parsed = check(schema, body ?? {}, 'body');
  if ('value' in parsed) return parsed.value;
  throw new RotorError('body-invalid', 'the request is not what was expected', {
    kind: 'invalid',
    problems: parsed.problems,
  });
}
