/** Credentials of a server of one's own, which answers five small requests. */
import { z } from 'zod';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  IssuedSecret,
  Issuer,
  Minted,
  MintRequest,
  UseRecord,
} from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import { DurationOption, isPrivateUrl } from '../../reach/options.js';
import { byMinute } from '../by-minute.js';
import { issuerKind } from '../kind.js';
import { readSpecification } from '../specification.js';
import { readTag } from '../tag.js';
import { Traits } from './protocol.js';
import { openServer, type OwnServer } from './server.js';
import { differenceOf, issuerTraits } from './traits.js';

const Specification = z.looseObject({
  principal: z.string().min(1).max(500).describe('whose credentials they are'),
});

/** The rest is as each server says. */
const ofSample = {
  ...{ overlap: 'many', valueChosenBy: 'ours' },
  ...{ useRecord: 'exact', seesRefusals: true, tellsProbesApart: true },
};

export const http = issuerKind({
  kind: 'http',
  options: z.strictObject({
    url: z
      .url({ protocol: /^https?$/, abort: true })
      .refine(isPrivateUrl, 'values need TLS: expected https, or this machine')
      .describe('where the server is'),
    tokenFile: z
      .string()
      .min(1)
      .optional()
      .describe('a file of mode 0600 with the token that the server wants'),
    caFile: z.string().min(1).optional().describe('authorities of your own, as PEM'),
    timeout: DurationOption.refine((ms) => ms >= 100 && ms <= 60_000, 'expected 100ms to 1m')
      .default(10_000)
      .describe('how long an answer may take'),
    traits: Traits.describe('what GET / of the server tells, or less'),
  }),
  specification: Specification,
  principal: ({ principal }) => `principal ${principal}`,
  traits: ({ traits }) => issuerTraits(traits),
  variants: [{ as: 'as its sample server', traits: issuerTraits(Traits.parse(ofSample)) }],
  tested: { system: 'its sample server', version: '1', on: '2026-11-26' },
  open: ({ traits, ...server }, { installationId }) =>
    open({ server: openServer(server), declared: traits, installationId, fitUntil: 0 }),
});

interface Instance {
  readonly server: OwnServer;
  readonly declared: Traits;
  readonly installationId: string;
  /** The server was asked lately, and is what it was declared to be. */
  fitUntil: number;
}

function open(instance: Instance): Issuer {
  const { useRecord } = instance.declared;
  return {
    kind: 'http',
    traits: issuerTraits(instance.declared),
    check: () => demandFit({ ...instance, fitUntil: 0 }),
    mint: (request) => mint(instance, request),
    verify: (ref, value, probe) => verify(instance, ref, { value, probe }),
    revoke: (ref) => revoke(instance, ref),
    list: (secret) => list(instance, secret),
    ...(useRecord === 'absent'
      ? {}
      : { observedUse: (secret, since) => observedUse(instance, secret, since) }),
  };
}

const fitForMs = 60_000;

/** Before anything that rests on a trait. A revoke rests on none: nothing holds it up. */
async function demandFit(instance: Instance): Promise<void> {
  if (Date.now() < instance.fitUntil) return;
  const difference = differenceOf(instance.declared, await instance.server.describe());
  if (difference !== undefined)
    throw new AdapterError(
      'refused',
      `the server is not what rotor.yaml says (traits): ${difference}`,
    );
  instance.fitUntil = Date.now() + fitForMs;
}

function told(secret: IssuedSecret) {
  const specification = readSpecification(Specification, secret, 'principal');
  return { id: secret.secretId, name: secret.name, specification };
}

function moment(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

async function mint(
  instance: Instance,
  { secret, versionId, tag, value, expiresAt }: MintRequest,
): Promise<Minted> {
  await demandFit(instance);
  const isOurs = instance.declared.valueChosenBy === 'ours';
  if (isOurs !== (value !== undefined))
    throw new AdapterError('refused', `the value is chosen by ${isOurs ? 'rotor' : 'the server'}`);
  const minted = await instance.server.mint(versionId, {
    secret: told(secret),
    tag,
    ...(value === undefined ? {} : { value: value.reveal() }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
  });
  if (isOurs && minted.value !== undefined)
    throw new AdapterError('bad-reply', 'the server sends a value, where rotor chose it');
  refuseValueAsId(minted, value);
  const end = moment(minted.expiresAt);
  return {
    credentialId: minted.credentialId,
    ...(minted.value === undefined ? {} : { value: new SecretValue(minted.value) }),
    ...(end === undefined ? {} : { expiresAt: end }),
  };
}

/** Ids are kept, shown and logged, as no value is. */
function refuseValueAsId(
  told: { readonly credentialId: string; readonly value?: string | undefined },
  ours: SecretValue | undefined,
): void {
  const value = ours?.reveal() ?? told.value;
  if (value === undefined || !told.credentialId.includes(value)) return;
  throw new AdapterError('bad-reply', 'the server names a credential by its value');
}

interface Shown {
  readonly value: SecretValue;
  readonly probe: string;
}

async function verify(
  { server }: Instance,
  { secret, credentialId }: CredentialRef,
  { value, probe }: Shown,
): Promise<void> {
  refuseValueAsId({ credentialId }, value);
  const request = { secret: told(secret), credentialId, value: value.reveal(), probe };
  const { accepted } = await server.verify(request);
  if (!accepted) throw new CredentialRefused();
}

async function revoke(
  { server }: Instance,
  { secret, credentialId, tag }: CredentialRef,
): Promise<void> {
  const carried = tag === undefined ? {} : { tag };
  await server.revoke({ secret: told(secret), credentialId, ...carried });
}

async function list(
  { server, installationId }: Instance,
  secret: IssuedSecret,
): Promise<Credential[]> {
  const { credentials } = await server.list({ secret: told(secret) });
  return credentials.map(({ credentialId, tag, disabled, rights, ...more }) => ({
    credentialId,
    tag: readTag(tag, installationId),
    createdAt: moment(more.createdAt),
    expiresAt: moment(more.expiresAt),
    disabled,
    rights,
  }));
}

async function observedUse(
  instance: Instance,
  secret: IssuedSecret,
  since: Date,
): Promise<UseRecord> {
  await demandFit(instance);
  const record = await instance.server.use({ secret: told(secret), since: since.toISOString() });
  return {
    kind: instance.declared.useRecord,
    completeThrough: new Date(record.completeThrough),
    continuousSince: moment(record.continuousSince),
    resolutionMs: record.resolutionMs,
    issuerNow: new Date(record.now),
    uses: byMinute(record.uses.map((use) => ({ ...use, lastAt: new Date(use.lastAt) }))),
  };
}
