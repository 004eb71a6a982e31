/** Passwords of a Redis user: as many as one likes, each known to the server by its hash alone. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  IssuedSecret,
  Issuer,
  IssuerTraits,
  MintRequest,
  OpenUse,
} from '../../domain/issuer.js';
import type { SecretValue } from '../../domain/secret-value.js';
import { readSecretFile } from '../../reach/secret-file.js';
import { issuerKind, type IssuerContext } from '../kind.js';
import { readSpecification } from '../specification.js';
import { withConnection, type Login, type Send } from './connection.js';
import { connectionsOf, endConnections } from './sessions.js';
import {
  addPassword,
  keep,
  keeping,
  makeUser,
  readUser,
  removePassword,
  type Keeping,
  type User,
} from './users.js';

const Specification = z.strictObject({
  user: z
    .string()
    .min(1)
    .max(200)
    .regex(/^\S+$/, 'expected a name without spaces')
    .describe('the user whose passwords they are'),
  rules: z
    .array(
      z
        .string()
        .regex(
          /^(?!nopass$|reset)[^\s><#!]\S*$/,
          'expected a rule such as ~app:* or +@read, and no password',
        ),
    )
    .min(1)
    .optional()
    .describe('what the user may do, where rotor is to make it; one that exists is left as it is'),
});

export const traits: IssuerTraits = {
  overlap: { kind: 'many' },
  valueChosenBy: 'ours',
  tag: 'none',
  disable: 'none',
  seesRefusals: false,
  useRecord: 'absent',
  // There is no record that a probe could stand in.
  tellsProbesApart: true,
  lists: true,
  propagationMs: 0,
  outlives: 'sessions',
  outlivesMs: 0,
  tellsOpenUseApart: false,
  longestValidityMs: undefined,
};

export const redisAcl = issuerKind({
  kind: 'redis-acl',
  libraries: [{ name: '@redis/client', version: '6.3.1' }],
  options: z.strictObject({
    urls: z
      .array(
        z
          .url({ protocol: /^rediss?$/ })
          .refine((url) => !url.includes('@'), 'expected an address without a login: see user'),
      )
      .min(1)
      .describe('every server that takes the passwords: users are not replicated'),
    user: z.string().min(1).default('default').describe('whom rotor logs in as'),
    passwordFile: z.string().min(1).describe('a file of mode 0600 with its password'),
    keptIn: z
      .enum(keeping)
      .default('aclfile')
      .describe('where the servers keep their users, so that a restart forgets nothing'),
  }),
  specification: Specification,
  principal: ({ user }) => `user ${user}`,
  traits: () => traits,
  tested: { system: 'Redis', version: '7.0.15', on: '2026-11-26' },
  open: ({ urls, user, passwordFile, keptIn }, { fingerprint }) =>
    open({
      urls,
      keptIn,
      fingerprint,
      login: (url) => ({ url, user, password: readSecretFile(passwordFile), name: 'rotor' }),
    }),
});

interface Instance {
  readonly urls: readonly string[];
  readonly keptIn: Keeping;
  readonly fingerprint: IssuerContext['fingerprint'];
  /** Read each time: whoever changes the file changes what is used next. */
  login(url: string): Login;
}

function open(instance: Instance): Issuer {
  return {
    kind: 'redis-acl',
    traits,
    mint: (request) => mint(instance, request),
    verify: (ref, value, probe) => verify(instance, ref, { value, probe }),
    revoke: (ref) => revoke(instance, ref),
    list: (secret) => list(instance, secret),
    openUse: (ref) => openUse(instance, ref),
    endOpenUse: (ref, openedBefore) => endOpenUse(instance, ref, openedBefore),
  };
}

/**
 * One server after the other, as rotor; what is done on some where another fails is done again. One that is away does not keep
 * a value alive on those that come after it.
 */
async function onEach<T>(instance: Instance, work: (send: Send) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const faults: unknown[] = [];
  for (const url of instance.urls) {
    try {
      results.push(await withConnection(instance.login(url), work));
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length === 0) return results;
  const [first] = faults;
  if (!(first instanceof CredentialRefused)) throw first;
  throw new AdapterError('not-permitted', "the server refuses rotor's own login");
}

function userOf(secret: IssuedSecret): z.output<typeof Specification> {
  return readSpecification(Specification, secret, 'user');
}

function hashOf(value: SecretValue): string {
  return createHash('sha256').update(value.reveal()).digest('hex');
}

/** The server's hash of a weak password tells the password: what leaves rotor is keyed. */
function idOf({ fingerprint }: Instance, hash: string): string {
  return fingerprint(`redis ${hash}`);
}

async function mint(
  instance: Instance,
  { secret, value }: MintRequest,
): Promise<{ credentialId: string }> {
  if (value === undefined) throw new AdapterError('refused', 'the value is chosen by rotor');
  const { user: name, rules } = userOf(secret);
  const hash = hashOf(value);
  await onEach(instance, async (send) => {
    const user = await readUser(send, name);
    if (user === undefined) await make(send, name, rules);
    if (user?.open === true) throw letsAnybodyIn(name);
    await addPassword(send, name, hash);
    await keep(send, instance.keptIn);
  });
  return { credentialId: idOf(instance, hash) };
}

async function make(send: Send, name: string, rules: readonly string[] | undefined): Promise<void> {
  if (rules !== undefined) return makeUser(send, name, rules);
  throw new AdapterError(
    'refused',
    `there is no user ${name}: make it, or say what it may do (specification.rules)`,
  );
}

function letsAnybodyIn(name: string): AdapterError {
  const message = `user ${name} is let in with any password (nopass): a first one would lock out whoever gives none`;
  return new AdapterError('refused', message);
}

/** A login on every server. Some that accept and some that refuse are neither: they will agree, or a person has to look. */
async function verify(
  instance: Instance,
  { secret, credentialId }: CredentialRef,
  { value, probe }: { readonly value: SecretValue; readonly probe: string },
): Promise<void> {
  if (idOf(instance, hashOf(value)) !== credentialId) throw new CredentialRefused();
  const { user } = userOf(secret);
  const name = `rotor-probe-${probe}`;
  const accepted = new Set<boolean>();
  for (const url of instance.urls)
    accepted.add(await isAccepted({ url, user, password: value, name }));
  if (accepted.size > 1) throw new AdapterError('busy', 'the servers do not agree on it yet');
  if (accepted.has(false)) throw new CredentialRefused();
}

async function isAccepted(login: Login): Promise<boolean> {
  try {
    // Answered, or refused for want of a right: the login was taken.
    await withConnection(login, (send) => send(['PING']));
    return true;
  } catch (error) {
    if (error instanceof CredentialRefused) return false;
    if (error instanceof AdapterError && error.code === 'not-permitted') return true;
    throw error;
  }
}

/** Gone already is success, and is saved all the same: the attempt before may have died in between. */
async function revoke(instance: Instance, { secret, credentialId }: CredentialRef): Promise<void> {
  const { user: name } = userOf(secret);
  await onEach(instance, async (send) => {
    const user = await readUser(send, name);
    const hash = user?.hashes.find((one) => idOf(instance, one) === credentialId);
    if (hash !== undefined) await removePassword(send, name, hash);
    if (user !== undefined) await keep(send, instance.keptIn);
  });
}

/** What any of the servers still takes is listed. */
async function list(instance: Instance, secret: IssuedSecret): Promise<Credential[]> {
  const { user: name } = userOf(secret);
  const found = await onEach(instance, (send) => readUser(send, name));
  const listed = found.flatMap((user) => (user === undefined ? [] : credentialsOf(instance, user)));
  return [...new Map(listed.map((one) => [one.credentialId, one])).values()];
}

function credentialsOf(instance: Instance, { hashes, on }: User): Credential[] {
  return hashes.map((hash) => ({
    credentialId: idOf(instance, hash),
    tag: { kind: 'none' },
    createdAt: undefined,
    expiresAt: undefined,
    disabled: !on,
    rights: {},
  }));
}

async function openUse(instance: Instance, { secret }: CredentialRef): Promise<OpenUse[]> {
  const { user } = userOf(secret);
  return (await onEach(instance, (send) => connectionsOf(send, user))).flat();
}

async function endOpenUse(
  instance: Instance,
  { secret }: CredentialRef,
  openedBefore: Date | undefined,
): Promise<void> {
  const { user } = userOf(secret);
  await onEach(instance, (send) => endConnections(send, user, openedBefore));
}
