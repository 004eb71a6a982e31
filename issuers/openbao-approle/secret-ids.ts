/** The secret-ids of one role: found by their accessors, and told apart by the metadata that they carry. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import type { JsonReply } from '../../reach/json-api.js';
import { dataOf, keysOf, type Bao } from '../../reach/openbao.js';

export interface Role {
  readonly mount: string;
  readonly role: string;
}

export interface SecretId {
  readonly accessor: string;
  readonly tag: string | undefined;
  /** What the audit device writes instead of the value, where rotor knew it. */
  readonly audited: string | undefined;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
}

/** Names of rotor's own in the metadata of a secret-id; programs that log in find the first in that of their token, too. */
export const tagName = 'rotor';
const auditedName = 'rotor_audited';

const Lookup = z.object({
  secret_id_accessor: z.string(),
  metadata: z.record(z.string(), z.string()).nullable(),
  creation_time: z.string(),
  expiration_time: z.string(),
});

const Made = z.object({ secret_id_accessor: z.string() });

export function rolePath({ mount, role }: Role): string {
  return `auth/${mount}/role/${encodeURIComponent(role)}`;
}

export interface Making {
  readonly secretId: string;
  readonly tag: string;
  readonly audited: string | undefined;
  readonly validityMs: number | undefined;
}

/** Whether it was made is found by looking: a value that is there already, and a role that is not, are failures alike. */
export async function makeSecretId(
  bao: Bao,
  role: Role,
  { secretId, tag, audited, validityMs }: Making,
): Promise<void> {
  const metadata = {
    [tagName]: tag,
    ...(audited === undefined ? {} : { [auditedName]: audited }),
  };
  const body = {
    secret_id: secretId,
    metadata: JSON.stringify(metadata),
    ...(validityMs === undefined ? {} : { ttl: `${Math.ceil(validityMs / 1_000)}s` }),
  };
  const path = `${rolePath(role)}/custom-secret-id`;
  const reply = await bao.ask({ method: 'POST', path, body });
  if (reply.status !== 500 && reply.status !== 404) dataOf(Made, reply);
}

/** Undefined where the role has none of this value. */
export async function findSecretId(
  bao: Bao,
  role: Role,
  secretId: string,
): Promise<SecretId | undefined> {
  return lookUp(bao, role, { what: 'secret-id', body: { secret_id: secretId } });
}

export async function findByAccessor(
  bao: Bao,
  role: Role,
  accessor: string,
): Promise<SecretId | undefined> {
  const body = { secret_id_accessor: accessor };
  return lookUp(bao, role, { what: 'secret-id-accessor', body });
}

interface Asked {
  readonly what: 'secret-id' | 'secret-id-accessor';
  readonly body: object;
}

/** A role that somebody deleted has taken its secret-ids along; a lookup in it is answered as a failure. */
async function isThere(bao: Bao, role: Role): Promise<boolean> {
  const reply = await bao.ask({ method: 'GET', path: `${rolePath(role)}/role-id` });
  refuseNoMount(reply, role);
  return reply.status !== 404;
}

const Errors = z.object({ errors: z.array(z.string()).min(1) });

/** An empty list, and a role that is not there, are 404 without a word. */
function refuseNoMount({ status, body }: JsonReply, { mount }: Role): void {
  if (status !== 404 || !Errors.safeParse(body).success) return;
  throw new AdapterError('refused', `OpenBao has no auth method at auth/${mount}`);
}

/** Each way to ask has its own way to say that there is none. */
const unknown = { 'secret-id': 204, 'secret-id-accessor': 404 } as const;

async function lookUp(bao: Bao, role: Role, { what, body }: Asked): Promise<SecretId | undefined> {
  const path = `${rolePath(role)}/${what}/lookup`;
  const reply = await bao.ask({ method: 'POST', path, body });
  if (reply.status === unknown[what]) return undefined;
  if (reply.status === 500 && !(await isThere(bao, role))) return undefined;
  const found = dataOf(Lookup, reply);
  return {
    accessor: found.secret_id_accessor,
    tag: found.metadata?.[tagName],
    audited: found.metadata?.[auditedName],
    createdAt: new Date(found.creation_time),
    // The year 1 stands for never.
    expiresAt: found.expiration_time.startsWith('0001-')
      ? undefined
      : new Date(found.expiration_time),
  };
}

/** All accessors of the role; none where the role is not there. */
export async function accessorsOf(bao: Bao, role: Role): Promise<readonly string[]> {
  const reply = await bao.ask({ method: 'LIST', path: `${rolePath(role)}/secret-id` });
  refuseNoMount(reply, role);
  if (reply.status === 400 && !(await isThere(bao, role))) return [];
  return keysOf(reply);
}

/** Whether it was there is found by looking, before and after: the answer says a failure for both. */
export async function destroySecretId(bao: Bao, role: Role, accessor: string): Promise<void> {
  const path = `${rolePath(role)}/secret-id-accessor/destroy`;
  await bao.ask({ method: 'POST', path, body: { secret_id_accessor: accessor } });
  if ((await findByAccessor(bao, role, accessor)) === undefined) return;
  throw new AdapterError('bad-reply', 'OpenBao still has the secret-id that it was to destroy');
}
