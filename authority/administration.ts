/** The authority's own administration, for its owner only: clients, credentials, the record of use. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import { z } from 'zod';
import {
  disableCredential,
  ensureClient,
  liveCredentials,
  mintCredential,
  revokeCredential,
  type Changed,
} from './credentials.js';
import { isSame } from './oauth.js';
import { usesSince } from './uses.js';

export interface AdministrationParts {
  readonly pool: pg.Pool;
  readonly hashKey: Buffer;
  readonly adminToken: string;
}

const name = z.string().min(1).max(300);
const ClientBody = z.strictObject({ secretKey: name, name });
const MintBody = z.strictObject({
  role: z.enum(['Viewer', 'Contributor']),
  tag: name.optional(),
  expiresAt: z.iso.datetime(),
});
const ChangeBody = z.strictObject({ tag: name.optional(), until: z.iso.datetime().optional() });

type Handle<B> = (asked: {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: B;
}) => Promise<Reply>;

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const fine = (body: unknown): Reply => ({ status: 200, body });
const nothing = z.unknown();

type On = <B>(method: 'GET' | 'POST', url: string, what: [z.ZodType<B>, Handle<B>]) => void;

export function addAdministration(server: FastifyInstance, parts: AdministrationParts): void {
  const on: On = (method, url, [schema, handle]) => {
    server.route({
      method,
      url: `/authority/v1${url}`,
      handler: (request, reply) => answer(parts, { request, reply, schema, handle }),
    });
  };
  addClients(on, parts);
  addCredentials(on, parts);
}

function addClients(on: On, { pool, hashKey }: AdministrationParts): void {
  on('POST', '/clients', [
    ClientBody,
    async ({ body }) => fine({ clientId: await ensureClient(pool, body) }),
  ]);
  on('GET', '/clients/:client/credentials', [
    nothing,
    async ({ params }) => fine(await liveCredentials(pool, params['client'] ?? '')),
  ]);
  on('POST', '/clients/:client/credentials', [
    MintBody,
    async ({ params, body }) => {
      const { role, tag } = body;
      const expiresAt = new Date(body.expiresAt);
      const wanted = { clientId: params['client'] ?? '', role, tag, expiresAt };
      const made = await mintCredential(pool, hashKey, wanted);
      if (made === undefined) return { status: 404, body: { result: 'missing' } };
      return { status: made.value === undefined ? 409 : 201, body: made };
    },
  ]);
  on('GET', '/clients/:client/uses', [
    nothing,
    async ({ params, query }) =>
      fine(await usesSince(pool, params['client'] ?? '', new Date(query['since'] ?? 0))),
  ]);
}

function addCredentials(on: On, { pool }: AdministrationParts): void {
  on('POST', '/credentials/:credential/disable', [
    ChangeBody,
    async ({ params, body }) => {
      const until = new Date(body.until ?? 0);
      return changed(await disableCredential(pool, named(params, body.tag), until));
    },
  ]);
  on('POST', '/credentials/:credential/enable', [
    ChangeBody,
    async ({ params, body }) =>
      changed(await disableCredential(pool, named(params, body.tag), undefined)),
  ]);
  on('POST', '/credentials/:credential/revoke', [
    ChangeBody,
    async ({ params, body }) => changed(await revokeCredential(pool, named(params, body.tag))),
  ]);
}

function named(
  params: Readonly<Record<string, string>>,
  tag: string | undefined,
): { credentialId: string; tag: string | undefined } {
  return { credentialId: params['credential'] ?? '', tag };
}

const statusOf: Readonly<Record<Changed, number>> = { done: 200, missing: 404, 'other-tag': 409 };

function changed(result: Changed): Reply {
  return { status: statusOf[result], body: { result } };
}

interface Asked<B> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly schema: z.ZodType<B>;
  readonly handle: Handle<B>;
}

async function answer<B>(
  { adminToken }: AdministrationParts,
  { request, reply, schema, handle }: Asked<B>,
): Promise<FastifyReply> {
  const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (!isSame(bearer, adminToken)) return reply.code(401).send({ result: 'unauthenticated' });
  const parsed = schema.safeParse(request.body ?? {});
  if (!parsed.success) return reply.code(422).send({ result: 'invalid' });
  const params = request.params as Record<string, string>;
  const query = request.query as Record<string, string>;
  const { status, body } = await handle({ params, query, body: parsed.data });
  return reply.code(status).header('cache-control', 'no-store').send(body);
}
