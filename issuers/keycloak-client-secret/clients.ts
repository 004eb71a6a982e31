/** A client of a realm and its secrets: the current one, and the one before it while the rotation policy keeps it. */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import type { JsonReply } from '../../reach/json-api.js';
import { bodyOf, type Admin } from './admin.js';

export interface Secret {
  readonly value: string;
  readonly createdAt: Date | undefined;
  readonly expiresAt: Date | undefined;
}

export interface Client {
  readonly id: string;
  readonly clientId: string;
  readonly enabled: boolean;
  /** Undefined where nobody has it: rotor put it there so that the one before is refused. */
  readonly current: Secret | undefined;
  /** Undefined where there is none that is still accepted. */
  readonly rotated: Secret | undefined;
  /** The rotation policy has marked it: it reaches this client. */
  readonly isUnderPolicy: boolean;
  readonly tokenLifespanSeconds: number | undefined;
}

/** Names that Keycloak itself gives what it knows of a client's secrets. */
const named = {
  createdAt: 'client.secret.creation.time',
  expiresAt: 'client.secret.expiration.time',
  rotated: 'client.secret.rotated',
  rotatedCreatedAt: 'client.secret.rotated.creation.time',
  rotatedExpiresAt: 'client.secret.rotated.expiration.time',
} as const;
const tokenLifespan = 'access.token.lifespan';
/** The hash of a secret that nobody has. */
const nobodys = 'rotor.nobody';

const Listed = z.object({
  id: z.string(),
  clientId: z.string(),
  enabled: z.boolean(),
  publicClient: z.boolean().default(false),
  bearerOnly: z.boolean().default(false),
  clientAuthenticatorType: z.string().optional(),
  secret: z.string().default(''),
  attributes: z.record(z.string(), z.string()).default({}),
});
type Listed = z.output<typeof Listed>;

/** Undefined where the realm has none such. */
export async function findClient(admin: Admin, clientId: string): Promise<Client | undefined> {
  const path = `/clients?${new URLSearchParams({ clientId }).toString()}`;
  const reply = await admin.ask({ method: 'GET', path, right: 'manage-clients' });
  const found = bodyOf(z.array(Listed), reply, admin.realm).find(
    (one) => one.clientId === clientId,
  );
  if (found === undefined) return undefined;
  if (hasNoSecret(found))
    throw new AdapterError(
      'refused',
      `client ${clientId} does not log in with a secret: it is public, or has another authenticator`,
    );
  return clientOf(found);
}

function hasNoSecret({ publicClient, bearerOnly, clientAuthenticatorType }: Listed): boolean {
  return publicClient || bearerOnly || clientAuthenticatorType !== 'client-secret';
}

function clientOf({ id, clientId, enabled, secret, attributes }: Listed): Client {
  const isNobodys = attributes[nobodys] === hashOf(secret);
  const rotated = secretOf(attributes[named.rotated], {
    createdAt: attributes[named.rotatedCreatedAt],
    expiresAt: attributes[named.rotatedExpiresAt],
  });
  return {
    ...{ id, clientId, enabled },
    // Put back as the current one, it may still lie here, too.
    rotated: isOver(rotated) || rotated?.value === secret ? undefined : rotated,
    current: secretOf(isNobodys ? '' : secret, {
      createdAt: attributes[named.createdAt],
      expiresAt: attributes[named.expiresAt],
    }),
    isUnderPolicy: attributes[named.expiresAt] !== undefined,
    tokenLifespanSeconds: secondsOf(attributes[tokenLifespan]),
  };
}

function secretOf(
  value: string | undefined,
  times: { readonly createdAt: string | undefined; readonly expiresAt: string | undefined },
): Secret | undefined {
  if (value === undefined || value === '') return undefined;
  return { value, createdAt: dateOf(times.createdAt), expiresAt: dateOf(times.expiresAt) };
}

function isOver(secret: Secret | undefined): boolean {
  return secret?.expiresAt !== undefined && secret.expiresAt.getTime() <= Date.now();
}

function dateOf(text: string | undefined): Date | undefined {
  const seconds = secondsOf(text);
  return seconds === undefined ? undefined : new Date(seconds * 1_000);
}

function secondsOf(text: string | undefined): number | undefined {
  const seconds = Number(text);
  return text === undefined || text === '' || !Number.isFinite(seconds) ? undefined : seconds;
}

function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** How long the policy lets a secret live, and the one before it. */
export interface Periods {
  readonly secretSeconds: number;
  readonly rotatedSeconds: number;
}

/**
 * One change: the value is the current one, and what was current stays accepted as the one before. Asking Keycloak to rotate would
 * make a value of its own, and asked twice throw out the one in use.
 */
export async function rotate(
  admin: Admin,
  client: Client,
  { value, periods }: { readonly value: string; readonly periods: Periods },
): Promise<void> {
  const { current } = client;
  const now = Math.floor(Date.now() / 1_000);
  // What was to end earlier still does.
  const ends = Math.min(now + periods.rotatedSeconds, epochOf(current?.expiresAt) ?? Infinity);
  const before =
    current === undefined
      ? {}
      : {
          [named.rotated]: current.value,
          [named.rotatedCreatedAt]: String(epochOf(current.createdAt) ?? now),
          [named.rotatedExpiresAt]: String(ends),
        };
  const attributes = { ...before, ...timesOf(now, periods) };
  await update(admin, client, { secret: value, attributes });
}

/** In place: the value before it is refused from now on; one that was rotated out stays. */
export async function replace(
  admin: Admin,
  client: Client,
  { value, periods }: { readonly value: string; readonly periods: Periods | undefined },
): Promise<void> {
  const now = Math.floor(Date.now() / 1_000);
  const attributes = periods === undefined ? {} : timesOf(now, periods);
  await update(admin, client, { secret: value, attributes });
}

/** Never an empty secret: Keycloak would let in whoever gives none. */
export async function replaceByNobodys(
  admin: Admin,
  client: Client,
  periods: Periods | undefined,
): Promise<void> {
  const value = randomBytes(32).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  const times = periods === undefined ? {} : timesOf(now, periods);
  const attributes = { ...times, [nobodys]: hashOf(value) };
  await update(admin, client, { secret: value, attributes });
}

/** Nothing changes, but a policy that reaches the client marks it. */
export async function touch(admin: Admin, client: Client): Promise<void> {
  await update(admin, client, { attributes: {} });
}

export async function dropRotated(admin: Admin, { id }: Client): Promise<void> {
  const path = `/clients/${id}/client-secret/rotated`;
  refuseFailed(await admin.ask({ method: 'DELETE', path, right: 'manage-clients' }));
}

/** A fresh end: a client that is changed shortly before its secret ends would be rotated by Keycloak itself. */
function timesOf(now: number, { secretSeconds }: Periods): Record<string, string> {
  return { [named.createdAt]: String(now), [named.expiresAt]: String(now + secretSeconds) };
}

function epochOf(date: Date | undefined): number | undefined {
  return date === undefined ? undefined : Math.floor(date.getTime() / 1_000);
}

/** What is not said stays as it is. */
async function update(admin: Admin, { id, clientId }: Client, body: object): Promise<void> {
  const call = { method: 'PUT', path: `/clients/${id}`, right: 'manage-clients' } as const;
  refuseFailed(await admin.ask({ ...call, body: { clientId, ...body } }));
}

function refuseFailed({ status }: JsonReply): void {
  if (status < 300) return;
  if (status === 404)
    throw new AdapterError('changed-meanwhile', 'the client, or its secret, went at this moment');
  throw new AdapterError('refused', `Keycloak refuses the change of the client (HTTP ${status})`);
}
