/** The built-in issuer: OAuth 2.0 client secrets of rotor's own authority. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  IssuedSecret,
  Issuer,
  IssuerTraits,
  MintRequest,
  UseRecord,
} from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import { issuerKind } from '../kind.js';
import { readTag } from '../tag.js';
import { openAuthorityClient, type AuthorityClient } from './authority-client.js';
import { Clients, Listed, MintReply, ProbeReply, Uses } from './replies.js';

const day = 86_400_000;
const longestValidityMs = 730 * day;

export const traits: IssuerTraits = {
  overlap: { kind: 'many' },
  valueChosenBy: 'theirs',
  tag: 'place',
  disable: 'expires',
  seesRefusals: true,
  useRecord: 'exact',
  tellsProbesApart: true,
  lists: true,
  propagationMs: 0,
  outlives: 'nothing',
  outlivesMs: 0,
  tellsOpenUseApart: true,
  longestValidityMs,
};

export const clientSecrets = issuerKind({
  kind: 'client-secrets',
  options: z.strictObject({
    url: z.url().describe('where the authority is'),
    adminTokenFile: z.string().min(1).describe('a file of mode 0600 with its admin token'),
  }),
  specification: z.strictObject({
    role: z.enum(['Viewer', 'Contributor']),
    clientId: z
      .string()
      .max(200)
      .optional()
      .describe('a client that exists already; otherwise the secret gets one of its own'),
    validityMs: z.number().int().positive().max(longestValidityMs).optional(),
  }),
  principal: ({ clientId }) =>
    clientId === undefined ? 'a client of its own' : `client ${clientId}`,
  traits: () => traits,
  tested: { system: 'rotor’s own authority', version: '0.1.0', on: '2026-11-26' },
  probe: { role: 'Viewer', clientId: 'doctor' },
  open: ({ url, adminTokenFile }, { installationId }) =>
    open({
      authority: openAuthorityClient(url, adminTokenFile),
      installationId,
      clientIds: new Map(),
    }),
});

interface Instance {
  readonly authority: AuthorityClient;
  readonly installationId: string;
  /** A client's id never changes: asked for once. */
  readonly clientIds: Map<string, string>;
}

function open(instance: Instance): Issuer {
  return {
    kind: 'client-secrets',
    traits,
    mint: (request) => mint(instance, request),
    verify: (ref, value, mark) => verify(instance, ref, { value, mark }),
    revoke: (ref) => change(instance, ref, { verb: 'revoke', gone: 'fine' }),
    list: (secret) => list(instance, secret),
    disable: (ref, until) =>
      change(instance, ref, { verb: 'disable', gone: 'missing', until: until.toISOString() }),
    enable: (ref) => change(instance, ref, { verb: 'enable', gone: 'fine' }),
    observedUse: (secret, since) => observedUse(instance, secret, since),
  };
}

async function clientIdOf(
  { authority, clientIds }: Instance,
  secret: IssuedSecret,
): Promise<string> {
  const named = secret.specification['clientId'];
  if (typeof named === 'string') return named;
  const known = clientIds.get(secret.secretId);
  if (known !== undefined) return known;
  const body = { secretKey: secret.secretId, name: secret.name };
  const { clientId } = parsed(Clients, await authority.call('POST', '/clients', body));
  clientIds.set(secret.secretId, clientId);
  return clientId;
}

function parsed<T>(schema: z.ZodType<T>, { body }: { readonly body: unknown }): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new AdapterError('bad-reply', "the authority's answer is not what was expected");
}

async function mint(
  instance: Instance,
  { secret, tag, expiresAt }: MintRequest,
): Promise<{ credentialId: string; value?: SecretValue }> {
  const clientId = await clientIdOf(instance, secret);
  const end = expiresAt ?? new Date(Date.now() + longestValidityMs);
  const body = { role: secret.specification['role'], tag, expiresAt: end.toISOString() };
  const reply = await instance.authority.call(
    'POST',
    `/clients/${encodeURIComponent(clientId)}/credentials`,
    body,
  );
  if (reply.status === 422)
    throw new AdapterError('refused', 'the authority refuses this specification');
  if (reply.status === 404)
    throw new AdapterError('not-found', `the authority has no client ${clientId} (clientId)`);
  const { credentialId, value } = parsed(MintReply, reply);
  return value === undefined ? { credentialId } : { credentialId, value: new SecretValue(value) };
}

/** The client's other values are accepted too: only the credential that was asked about counts. */
async function verify(
  instance: Instance,
  { secret, credentialId }: CredentialRef,
  { value, mark }: { readonly value: SecretValue; readonly mark: string },
): Promise<void> {
  const clientId = await clientIdOf(instance, secret);
  const mac = createHmac('sha256', instance.authority.adminToken()).update(mark).digest('hex');
  const reply = await instance.authority.login(clientId, value.reveal(), `${mark}.${mac}`);
  if (reply === undefined) throw new CredentialRefused();
  if (parsed(ProbeReply, reply).credential_id !== credentialId) throw new CredentialRefused();
}

interface Verb {
  readonly verb: 'revoke' | 'disable' | 'enable';
  /** What it means that there is no such credential any more. */
  readonly gone: 'fine' | 'missing';
  readonly until?: string;
}

async function change(
  { authority }: Instance,
  ref: CredentialRef,
  { verb, gone, until }: Verb,
): Promise<void> {
  const body = {
    ...(ref.tag === undefined ? {} : { tag: ref.tag }),
    ...(until === undefined ? {} : { until }),
  };
  const path = `/credentials/${encodeURIComponent(ref.credentialId)}/${verb}`;
  const { status } = await authority.call('POST', path, body);
  if (status === 200 || (status === 404 && gone === 'fine')) return;
  if (status === 404) throw new AdapterError('not-found', 'the authority has no such credential');
  if (status === 409) throw new AdapterError('not-ours', 'the credential carries another tag');
  throw new AdapterError('bad-reply', 'the authority answered in an unknown way');
}

async function list(instance: Instance, secret: IssuedSecret): Promise<Credential[]> {
  const clientId = await clientIdOf(instance, secret);
  const reply = await instance.authority.call(
    'GET',
    `/clients/${encodeURIComponent(clientId)}/credentials`,
  );
  return parsed(Listed, reply).map((found) => ({
    credentialId: found.credentialId,
    tag: readTag(found.tag, instance.installationId),
    createdAt: found.createdAt,
    expiresAt: found.expiresAt,
    disabled: found.disabled,
    rights: { role: found.role },
  }));
}

async function observedUse(
  instance: Instance,
  secret: IssuedSecret,
  since: Date,
): Promise<UseRecord> {
  const clientId = await clientIdOf(instance, secret);
  const query = new URLSearchParams({ since: since.toISOString() });
  const reply = await instance.authority.call(
    'GET',
    `/clients/${encodeURIComponent(clientId)}/uses?${query.toString()}`,
  );
  const { now, completeThrough, continuousSince, uses } = parsed(Uses, reply);
  return {
    kind: 'exact',
    completeThrough,
    continuousSince,
    // Times are exact; two clocks' rounding to a millisecond is not.
    resolutionMs: 1,
    issuerNow: now,
    uses,
  };
}
