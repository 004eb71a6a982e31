/** Users of a RabbitMQ server: what they may do, what they carry, and whether they have a password. */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { bodyOf, refuseFailed, type Management } from './management.js';

export interface User {
  readonly name: string;
  readonly hasPassword: boolean;
  /** Without rotor's own. */
  readonly tags: readonly string[];
  /** `installation/version`. */
  readonly rotorTag: string | undefined;
  readonly limits: Readonly<Record<string, number>>;
}

const tagPrefix = 'rotor:';

const Listed = z.object({
  name: z.string(),
  password_hash: z.string(),
  tags: z.array(z.string()),
  limits: z.record(z.string(), z.number()).default({}),
});

function userOf({ name, password_hash: hash, tags, limits }: z.output<typeof Listed>): User {
  return {
    name,
    hasPassword: hash !== '',
    tags: tags.filter((tag) => !tag.startsWith(tagPrefix)),
    rotorTag: tags.find((tag) => tag.startsWith(tagPrefix))?.slice(tagPrefix.length),
    limits,
  };
}

export async function readUser(server: Management, name: string): Promise<User | undefined> {
  const reply = await server.ask({ method: 'GET', path: ['users', name] });
  return reply.status === 404 ? undefined : userOf(bodyOf(Listed, reply));
}

export async function listUsers(server: Management): Promise<User[]> {
  const reply = await server.ask({ method: 'GET', path: ['users'] });
  return bodyOf(z.array(Listed), reply).map(userOf);
}

/** As RabbitMQ keeps it: the password itself is never sent. */
function hashOf(password: string): string {
  const salt = randomBytes(4);
  const hash = createHash('sha256').update(salt).update(password).digest();
  return Buffer.concat([salt, hash]).toString('base64');
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly tag: string;
  readonly tags: readonly string[];
}

export async function makeUser(
  server: Management,
  { name, password, tag, tags }: NewUser,
): Promise<void> {
  const body = {
    password_hash: hashOf(password),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags: [...tags, `${tagPrefix}${tag}`].join(','),
  };
  refuseFailed(await server.ask({ method: 'PUT', path: ['users', name], body }), 'make the user');
}

/** Nobody logs in with a password any more; what the user may do stays, for it is the template. */
export async function removePassword(server: Management, { name, tags }: User): Promise<void> {
  const body = { password_hash: '', tags: tags.join(',') };
  const reply = await server.ask({ method: 'PUT', path: ['users', name], body });
  refuseFailed(reply, 'remove the password');
}

export async function deleteUser(server: Management, name: string): Promise<void> {
  const reply = await server.ask({ method: 'DELETE', path: ['users', name] });
  if (reply.status !== 404) refuseFailed(reply, 'delete the user');
}
