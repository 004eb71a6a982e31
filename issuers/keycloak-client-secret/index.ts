/** Secrets of a Keycloak client: two at once where a rotation policy keeps the one before, otherwise one, replaced in place. */
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
} from '../../domain/issuer.js';
import type { SecretValue } from '../../domain/secret-value.js';
import { DurationOption } from '../../reach/options.js';
import { issuerKind, type IssuerContext } from '../kind.js';
import { readSpecification } from '../specification.js';
import { noRealm, openAdmin, unknownReply, type Admin } from './admin.js';
import {
  dropRotated,
  findClient,
  replace,
  replaceByNobodys,
  rotate,
  touch,
  type Client,
  type Periods,
  type Secret,
} from './clients.js';
import { rotationOf, tokenLifespanOf } from './realm.js';

const name = z.string().min(1).max(255);
const file = z.string().min(1);

const Specification = z.strictObject({
  clientId: name.describe('the client whose secrets they are; it has to be there'),
});

const Options = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('where Keycloak is'),
  realm: name.describe('the realm of the clients'),
  login: z
    .union([
      z.strictObject({ clientId: name, secretFile: file }),
      z.strictObject({ user: name, passwordFile: file }),
    ])
    .describe('as whom rotor changes clients; the file has mode 0600'),
  loginRealm: name.optional().describe('where that login is, if not in realm'),
  rotationPolicy: z
    .boolean()
    .describe(
      'whether a client policy of the realm with the executor secret-rotation reaches them',
    ),
  accessTokenLifespan: DurationOption.refine((ms) => ms > 0, 'expected a duration above 0')
    .default(300_000)
    .describe('how long tokens of these clients live at most: checked'),
});
type Options = z.output<typeof Options>;

export const keycloakClientSecret = issuerKind({
  kind: 'keycloak-client-secret',
  options: Options,
  specification: Specification,
  principal: ({ clientId }) => `client ${clientId}`,
  traits: traitsOf,
  variants: [
    {
      as: 'with a rotation policy',
      traits: traitsOf({ rotationPolicy: true, accessTokenLifespan: 300_000 }),
    },
    { as: 'without', traits: traitsOf({ rotationPolicy: false, accessTokenLifespan: 300_000 }) },
  ],
  tested: { system: 'Keycloak', version: '26.7.3', on: '2026-11-26' },
  open: ({ loginRealm, ...options }, { fingerprint }) => {
    const admin = openAdmin({ ...options, loginRealm: loginRealm ?? options.realm });
    return open({ ...options, admin, fingerprint });
  },
});

interface Instance extends Pick<Options, 'rotationPolicy' | 'accessTokenLifespan'> {
  readonly admin: Admin;
  readonly fingerprint: IssuerContext['fingerprint'];
}

export function traitsOf({
  rotationPolicy,
  accessTokenLifespan,
}: Pick<Options, 'rotationPolicy' | 'accessTokenLifespan'>): IssuerTraits {
  return {
    overlap: rotationPolicy ? { kind: 'displaces-oldest', slots: 2 } : { kind: 'none' },
    valueChosenBy: 'ours',
    tag: 'none',
    disable: 'none',
    seesRefusals: false,
    // Events tell the client and not which of its secrets.
    useRecord: 'absent',
    // There is no record that a probe could stand in.
    tellsProbesApart: true,
    lists: true,
    propagationMs: 0,
    outlives: 'tokens',
    outlivesMs: accessTokenLifespan,
    tellsOpenUseApart: false,
    longestValidityMs: undefined,
  };
}

function open(instance: Instance): Issuer {
  return {
    kind: 'keycloak-client-secret',
    traits: traitsOf(instance),
    mint: (request) => mint(instance, request),
    verify: (ref, value) => verify(instance, ref, value),
    revoke: (ref) => revoke(instance, ref),
    list: (secret) => list(instance, secret),
  };
}

function clientIdOf(secret: IssuedSecret): string {
  return readSpecification(Specification, secret, 'client').clientId;
}

/** Keycloak shows secrets in clear: what leaves rotor is keyed, and names the place as well. */
function idOf({ fingerprint, admin }: Instance, clientId: string, value: string): string {
  return fingerprint(`keycloak ${JSON.stringify([admin.realm, clientId, value])}`);
}

/** A value that is there already was put there by an attempt before. */
async function mint(instance: Instance, { secret, value }: MintRequest): Promise<Minted> {
  if (value === undefined) throw new AdapterError('refused', 'the value is chosen by rotor');
  const { admin } = instance;
  const clientId = clientIdOf(secret);
  const client = await findClient(admin, clientId);
  if (client === undefined)
    throw new AdapterError('refused', `realm ${admin.realm} has no client ${clientId}`);
  const own = value.reveal();
  if (!holds(client, own)) await put(instance, client, own);
  const after = await findClient(admin, clientId);
  if (after === undefined || !holds(after, own))
    throw new AdapterError('changed-meanwhile', `somebody else changed client ${clientId}`);
  const expiresAt = after.current?.expiresAt;
  const credentialId = idOf(instance, clientId, own);
  return { credentialId, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

function holds({ current, rotated }: Client, value: string): boolean {
  return current?.value === value || rotated?.value === value;
}

async function put(instance: Instance, client: Client, value: string): Promise<void> {
  const { admin } = instance;
  await refuseLongerTokens(instance, client);
  const periods = await periodsFor(instance, client);
  if (periods === undefined) {
    await replace(admin, client, { value, periods });
    if (client.rotated !== undefined) await dropRotated(admin, client);
  } else if (client.current === undefined) {
    await replace(admin, client, { value, periods });
  } else {
    await rotate(admin, client, { value, periods });
  }
}

/** Undefined without a policy. Told before anything changes: a client that the policy does not reach loses its value at once. */
async function periodsFor(instance: Instance, client: Client): Promise<Periods | undefined> {
  const { admin, rotationPolicy } = instance;
  if (!rotationPolicy && !client.isUnderPolicy) return undefined;
  if (!rotationPolicy)
    throw new AdapterError(
      'refused',
      `a policy of realm ${admin.realm} rotates secrets of client ${client.clientId}: its old secrets would live on (option rotationPolicy)`,
    );
  const periods = await rotationOf(admin);
  if (periods !== undefined && (await isReached(admin, client))) return periods;
  throw new AdapterError(
    'refused',
    `no enabled client policy with the executor secret-rotation reaches client ${client.clientId}: its secret would be refused at once (option rotationPolicy)`,
  );
}

/** One that was not changed since the policy is there is not marked yet. */
async function isReached(admin: Admin, client: Client): Promise<boolean> {
  if (client.isUnderPolicy) return true;
  await touch(admin, client);
  return (await findClient(admin, client.clientId))?.isUnderPolicy === true;
}

async function refuseLongerTokens(
  { admin, accessTokenLifespan }: Instance,
  { tokenLifespanSeconds, clientId }: Client,
): Promise<void> {
  const seconds = tokenLifespanSeconds ?? (await tokenLifespanOf(admin));
  if (seconds * 1_000 <= accessTokenLifespan) return;
  throw new AdapterError(
    'refused',
    `tokens of client ${clientId} live for ${seconds} s, longer than option accessTokenLifespan says`,
  );
}

/** A question that only a client with a right secret is answered: it opens no token, and is no login. */
async function verify(
  instance: Instance,
  { secret, credentialId }: CredentialRef,
  value: SecretValue,
): Promise<void> {
  const { admin } = instance;
  const clientId = clientIdOf(secret);
  const own = value.reveal();
  const isMeant = idOf(instance, clientId, own) === credentialId;
  if (!isMeant || own === '') throw new CredentialRefused();
  const form = { client_id: clientId, client_secret: own, token: 'none' };
  const { status } = await admin.asClient('/token/introspect', form);
  if (status === 200) return;
  if (status === 401) throw new CredentialRefused();
  if (status === 404) throw noRealm(admin.realm);
  throw unknownReply();
}

async function revoke(instance: Instance, ref: CredentialRef): Promise<void> {
  const { admin } = instance;
  const clientId = clientIdOf(ref.secret);
  const client = await findClient(admin, clientId);
  if (client === undefined) return;
  const isMeant = (one: Secret | undefined): boolean =>
    one !== undefined && idOf(instance, clientId, one.value) === ref.credentialId;
  if (isMeant(client.current)) await endCurrent(admin, client);
  else if (isMeant(client.rotated)) await dropRotated(admin, client);
  const left = await findClient(admin, clientId);
  if (!isMeant(left?.current) && !isMeant(left?.rotated)) return;
  throw new AdapterError('bad-reply', 'Keycloak still has the secret that it was to refuse');
}

/** The one before, if it lives, is the current one again: rotated out it would soon end. */
async function endCurrent(admin: Admin, client: Client): Promise<void> {
  const periods = client.isUnderPolicy ? await rotationOf(admin) : undefined;
  if (client.rotated === undefined) return replaceByNobodys(admin, client, periods);
  await replace(admin, client, { value: client.rotated.value, periods });
  await dropRotated(admin, client);
}

/** The one before comes first: of two that were made in the same second, it is the older. */
async function list(instance: Instance, secret: IssuedSecret): Promise<Credential[]> {
  const client = await findClient(instance.admin, clientIdOf(secret));
  if (client === undefined) return [];
  return [client.rotated, client.current].flatMap((one) =>
    one === undefined ? [] : [credentialOf(instance, client, one)],
  );
}

function credentialOf(instance: Instance, client: Client, one: Secret): Credential {
  return {
    credentialId: idOf(instance, client.clientId, one.value),
    tag: { kind: 'none' },
    createdAt: one.createdAt,
    expiresAt: one.expiresAt,
    disabled: !client.enabled,
    rights: {},
  };
}
