/** The OAuth 2.0 endpoints: tokens for client credentials (RFC 6749, 4.4), introspection (RFC 7662), revocation (RFC 7009). */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type pg from 'pg';
import type { Outcome, Recorder } from './recorder.js';
import { sourceOf } from './source.js';
import { isWellFormed, keyedHash, newToken } from './value.js';

export interface OAuthParts {
  readonly pool: pg.Pool;
  /** Every statement that records use runs here, where the watermark sees it. */
  readonly recorderPool: pg.Pool;
  readonly recorder: Recorder;
  readonly hashKey: Buffer;
  readonly adminToken: string;
}

const ttlSeconds = 600;

type Form = Readonly<Record<string, string>>;

interface Client {
  readonly id: string;
  readonly secret: string;
}

export function addOAuth(server: FastifyInstance, parts: OAuthParts): void {
  server.post('/oauth/token', (request, reply) => token(parts, request, reply));
  server.post('/oauth/introspect', (request, reply) => introspect(parts, request, reply));
  server.post('/oauth/revoke', (request, reply) => revoke(parts, request, reply));
}

function refuse(reply: FastifyReply, status: number, error: string): FastifyReply {
  if (status === 401) void reply.header('www-authenticate', 'Basic realm="rotor", charset="UTF-8"');
  return reply.code(status).header('cache-control', 'no-store').send({ error });
}

async function token(
  parts: OAuthParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const form = formOf(request);
  const client = clientOf(request, form);
  if (form['grant_type'] === undefined || client === 'twice')
    return refuse(reply, 400, 'invalid_request');
  if (form['grant_type'] !== 'client_credentials')
    return refuse(reply, 400, 'unsupported_grant_type');
  if (client === undefined) return refuse(reply, 401, 'invalid_client');
  const probe = await isProbe(parts, request);
  const access = newToken();
  const outcome = await attempt(parts, { request, client, access, probe });
  if (outcome !== 'accepted') return refuse(reply, 401, 'invalid_client');
  const body = probe
    ? { probe: 'accepted', credential_id: await credentialIdOf(parts, client) }
    : { access_token: access, token_type: 'Bearer', expires_in: ttlSeconds };
  return reply.header('cache-control', 'no-store').send(body);
}

/** For probes alone: rotor has to know whose value it was, and other clients learn no more than RFC 6749 says. */
async function credentialIdOf(
  { pool, hashKey }: OAuthParts,
  { id, secret }: Client,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from authority.credentials where hash = $1 and client_id = $2',
    [keyedHash(hashKey, secret), id],
  );
  return rows[0]?.id;
}

interface Try {
  readonly request: FastifyRequest;
  readonly client: Client;
  readonly access: string;
  readonly probe: boolean;
}

async function attempt(
  parts: OAuthParts,
  { request, client, access, probe }: Try,
): Promise<Outcome> {
  if (!isWellFormed(client.secret)) return 'unknown';
  return parts.recorder.attempt({
    clientId: client.id,
    hash: keyedHash(parts.hashKey, client.secret),
    tokenHash: keyedHash(parts.hashKey, access),
    ttlSeconds,
    source: sourceOf(request),
    probe,
  });
}

function formOf({ body }: FastifyRequest): Form {
  return typeof body === 'object' && body !== null ? (body as Form) : {};
}

/** By HTTP Basic or in the form, not both (RFC 6749, 2.3). */
function clientOf(request: FastifyRequest, form: Form): Client | 'twice' | undefined {
  const basic = basicOf(request.headers.authorization);
  const { client_id: id, client_secret: secret } = form;
  if (basic !== undefined) return secret === undefined ? basic : 'twice';
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

function basicOf(header: string | undefined): Client | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [id, secret] = Buffer.from(encoded, 'base64').toString('utf8').split(/:(.*)/s);
  if (id === undefined || secret === undefined) return undefined;
  return { id: decoded(id), secret: decoded(secret) };
}

/** Names and secrets are form-encoded inside Basic (RFC 6749, 2.3.1); many clients forget that. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** A mark that rotor signed and that was never used before; with any other the attempt counts as use. */
async function isProbe(
  { pool, adminToken }: OAuthParts,
  request: FastifyRequest,
): Promise<boolean> {
  const header = request.headers['rotor-probe'];
  if (typeof header !== 'string') return false;
  const [mark = '', mac = ''] = header.split('.');
  const expected = createHmac('sha256', adminToken).update(mark).digest('hex');
  if (!isSame(mac, expected)) return false;
  const { rowCount } = await pool.query(
    'insert into authority.spent_probes (mark) values ($1) on conflict do nothing',
    [mark],
  );
  return rowCount === 1;
}

export function isSame(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

interface Introspected {
  readonly active: boolean;
  readonly client_id: string;
  readonly role: string;
  readonly issued_at: Date;
  readonly expires_at: Date;
}

/** Whoever asks proves who they are; a check counts as use by whoever obtained the token. */
async function introspect(
  parts: OAuthParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (!(await mayAsk(parts, request))) return refuse(reply, 401, 'invalid_client');
  const { token: asked } = formOf(request);
  if (asked === undefined) return refuse(reply, 400, 'invalid_request');
  const { rows } = await parts.recorderPool.query<Introspected>(
    'select * from authority.introspect($1)',
    [keyedHash(parts.hashKey, asked)],
  );
  const found = rows[0];
  const seconds = (at: Date): number => Math.floor(at.getTime() / 1_000);
  const body =
    found?.active === true
      ? {
          active: true,
          client_id: found.client_id,
          scope: found.role,
          token_type: 'Bearer',
          iat: seconds(found.issued_at),
          exp: seconds(found.expires_at),
        }
      : { active: false };
  return reply.header('cache-control', 'no-store').send(body);
}

async function mayAsk(parts: OAuthParts, request: FastifyRequest): Promise<boolean> {
  const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return isSame(bearer, parts.adminToken);
  const client = clientOf(request, formOf(request));
  if (client === undefined || client === 'twice') return false;
  // The caller's own credential is used by asking: it is decided and recorded like any other use.
  const outcome = await attempt(parts, { request, client, access: newToken(), probe: false });
  return outcome === 'accepted';
}

/** Unknown tokens are answered like known ones (RFC 7009, 2.2); only the client that got a token ends it. */
async function revoke(
  parts: OAuthParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const client = clientOf(request, formOf(request));
  if (client === undefined || client === 'twice' || !(await mayAsk(parts, request))) {
    return refuse(reply, 401, 'invalid_client');
  }
  const { token: asked } = formOf(request);
  if (asked === undefined) return refuse(reply, 400, 'invalid_request');
  await parts.pool.query(
    `update authority.tokens t set revoked_at = clock_timestamp() from authority.credentials c
     where t.hash = $1 and t.revoked_at is null and c.id = t.credential_id and c.client_id = $2`,
    [keyedHash(parts.hashKey, asked), client.id],
  );
  return reply.code(200).send();
}
