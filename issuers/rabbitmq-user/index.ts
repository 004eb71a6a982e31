/** Users of a RabbitMQ server: one per version, each with what a template user may do. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  IssuedSecret,
  Issuer,
  IssuerTraits,
  Minted,
  MintRequest,
  UseRecord,
} from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import { issuerKind } from '../kind.js';
import { readSpecification } from '../specification.js';
import { rememberUses } from '../seen-uses.js';
import { readTag } from '../tag.js';
import { openConnections, openUseOf, type Connections } from './connections.js';
import { copyGrants, differenceOf, grantsOf } from './grants.js';
import { logIn } from './login.js';
import { openManagement, type Management } from './management.js';
import { namedProbes, openSampler, type Probes, type Sampler } from './use.js';
import { deleteUser, listUsers, makeUser, readUser, removePassword, type User } from './users.js';

const Specification = z.strictObject({
  user: z
    .string()
    .min(1)
    .max(200)
    .regex(/^\S+$/, 'expected a name without spaces')
    .describe('the user whose permissions, topic permissions, limits and tags the versions get'),
  vhost: z.string().min(1).max(200).default('/').describe('what the URL of the value leads to'),
});

export const traits: IssuerTraits = {
  overlap: { kind: 'many' },
  // The value is a whole AMQP URL: who takes it over takes user and password together.
  valueChosenBy: 'theirs',
  tag: 'place',
  // No refusal is seen, so that refusing for a while first would tell nothing.
  disable: 'none',
  seesRefusals: false,
  useRecord: 'sampled',
  // By the name of the connection; refused ones are in no record.
  tellsProbesApart: true,
  lists: true,
  propagationMs: 0,
  outlives: 'sessions',
  outlivesMs: 0,
  tellsOpenUseApart: true,
  longestValidityMs: undefined,
};

export const rabbitmqUser = issuerKind({
  kind: 'rabbitmq-user',
  libraries: [{ name: 'amqplib', version: '2.3.1' }],
  options: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).describe('where the management API is'),
    user: z.string().min(1).describe('whom rotor logs in as; it has the tag administrator'),
    passwordFile: z.string().min(1).describe('a file of mode 0600 with its password'),
    amqpUrl: z
      .url({ protocol: /^amqps?$/ })
      .refine((url) => !url.includes('@'), 'expected an address without a login')
      .describe('what programs connect to, such as amqps://mq.internal:5671'),
  }),
  specification: Specification,
  principal: ({ user }) => `user ${user}`,
  traits: () => traits,
  tested: { system: 'RabbitMQ', version: '3.10.8', on: '2026-11-26' },
  open: ({ amqpUrl, ...options }, { installationId, fingerprint }) => {
    const probes = namedProbes(fingerprint);
    const sampler = openSampler(rememberUses(), probes);
    const server = openManagement(options);
    const connections = openConnections(server);
    return open({ server, connections, amqpUrl, installationId, probes, sampler });
  },
});

interface Instance {
  readonly server: Management;
  readonly connections: Connections;
  readonly amqpUrl: string;
  readonly installationId: string;
  readonly probes: Probes;
  readonly sampler: Sampler;
}

function open(instance: Instance): Issuer {
  const { connections } = instance;
  return {
    kind: 'rabbitmq-user',
    traits,
    mint: (request) => mint(instance, request),
    verify: (ref, value, probe) => verify(instance, ref, { value, probe }),
    revoke: (ref) => revoke(instance, ref),
    list: (secret) => list(instance, secret),
    observedUse: (secret, since) => observedUse(instance, secret, since),
    openUse: async ({ credentialId }) => openUseOf(await connections.of(credentialId)),
    endOpenUse: ({ credentialId }) => connections.close(credentialId),
  };
}

function specificationOf(secret: IssuedSecret): z.output<typeof Specification> {
  return readSpecification(Specification, secret, 'user');
}

/** Named after the version. The server has no "only if it is not there": looked for first, so that no value is replaced. */
async function mint({ server, amqpUrl }: Instance, request: MintRequest): Promise<Minted> {
  const { user, vhost } = specificationOf(request.secret);
  const name = `${user}_${request.versionId.replaceAll('-', '').slice(0, 12)}`;
  const template = await readUser(server, user);
  if (template === undefined)
    throw new AdapterError(
      'refused',
      `RabbitMQ has no user ${user}: make it, without a password, with what its versions are to be allowed`,
    );
  if ((await readUser(server, name)) !== undefined)
    throw new AdapterError('changed-meanwhile', `RabbitMQ has a user ${name} already`);
  const password = randomBytes(32).toString('base64url');
  await makeUser(server, { name, password, tag: request.tag, tags: template.tags });
  await copyGrants(server, name, await grantsOf(server, template));
  const url = `${amqpUrl.replace('://', `://${encodeURIComponent(name)}:${password}@`)}`;
  const value = new SecretValue(`${url.replace(/\/+$/, '')}/${encodeURIComponent(vhost)}`);
  return { credentialId: name, value };
}

interface Shown {
  readonly value: SecretValue;
  readonly probe: string;
}

/** One AMQP login at the address of the options: a value does not say where rotor connects to. */
async function verify(
  { amqpUrl, probes }: Instance,
  { secret, credentialId }: CredentialRef,
  { value, probe }: Shown,
): Promise<void> {
  const { vhost } = specificationOf(secret);
  const password = passwordOf(value, credentialId);
  const name = probes.nameOf(probe);
  await logIn({ url: amqpUrl, user: credentialId, password, vhost, name });
}

/** A value that is no URL of this user proves nothing about it. */
function passwordOf(value: SecretValue, user: string): string {
  try {
    const url = new URL(value.reveal());
    if (decodeURIComponent(url.username) === user) return decodeURIComponent(url.password);
  } catch {
    // Said below, without the text.
  }
  throw new CredentialRefused();
}

/** The login is refused first, so that whoever is cut off does not come again. */
async function revoke({ server, connections }: Instance, ref: CredentialRef): Promise<void> {
  const { credentialId: name, tag } = ref;
  const template = specificationOf(ref.secret).user;
  if (name !== template && !isVersionOf(template, name))
    throw new AdapterError('not-ours', `user ${name} is none of ${template}'s`);
  const user = await readUser(server, name);
  if (user !== undefined && tag !== undefined && user.rotorTag !== tag)
    throw new AdapterError('not-ours', `user ${name} carries another tag`);
  if (user !== undefined) await (name === template ? shut(server, user) : end(server, name));
  await connections.close(name);
}

async function end(server: Management, name: string): Promise<void> {
  await deleteUser(server, name);
  if ((await readUser(server, name)) === undefined) return;
  throw new AdapterError('bad-reply', `RabbitMQ still has the user ${name} that it was to delete`);
}

async function shut(server: Management, user: User): Promise<void> {
  if (user.hasPassword) await removePassword(server, user);
  if ((await readUser(server, user.name))?.hasPassword !== true) return;
  throw new AdapterError('bad-reply', `RabbitMQ keeps the password of user ${user.name}`);
}

function isVersionOf(template: string, name: string): boolean {
  return name.startsWith(`${template}_`) && /^[0-9a-f]{12}$/.test(name.slice(template.length + 1));
}

/** The template too, while it has a password: programs may log in as it. */
async function credentialUsers(
  server: Management,
  { user }: { readonly user: string },
): Promise<{ readonly users: readonly User[]; readonly template: User | undefined }> {
  const all = await listUsers(server);
  return {
    users: all.filter(({ name, hasPassword }) =>
      name === user ? hasPassword : isVersionOf(user, name),
    ),
    template: all.find(({ name }) => name === user),
  };
}

async function list(instance: Instance, secret: IssuedSecret): Promise<Credential[]> {
  const { server, installationId } = instance;
  const { users, template } = await credentialUsers(server, specificationOf(secret));
  const wanted = template === undefined ? undefined : await grantsOf(server, template);
  const listed: Credential[] = [];
  for (const user of users) {
    const rights: Record<string, string> = {};
    if (template !== undefined && wanted !== undefined) {
      const found = [user, await grantsOf(server, user)] as const;
      const other = differenceOf([template, wanted], found);
      rights['user'] = other === undefined ? template.name : `unlike ${template.name} in ${other}`;
    }
    listed.push({
      credentialId: user.name,
      tag: readTag(user.rotorTag, installationId),
      createdAt: undefined,
      expiresAt: undefined,
      disabled: !user.hasPassword,
      rights,
    });
  }
  return listed;
}

async function observedUse(
  { server, connections, sampler }: Instance,
  secret: IssuedSecret,
  since: Date,
): Promise<UseRecord> {
  const { users } = await credentialUsers(server, specificationOf(secret));
  const open = new Map(
    await Promise.all(users.map(async ({ name }) => [name, await connections.of(name)] as const)),
  );
  const now = new Date();
  sampler.add(open, now);
  return sampler.record(since, now);
}
