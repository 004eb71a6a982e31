/** Secret-ids of an OpenBao AppRole: chosen by rotor, found again by their accessors. */
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
import type { SecretValue } from '../../domain/secret-value.js';
import {
  baoAccess,
  BaoPath,
  dataOf,
  isOneLogin,
  oneLogin,
  openBao,
  type Bao,
} from '../../reach/openbao.js';
import { issuerKind } from '../kind.js';
import { readSpecification } from '../specification.js';
import { readTag } from '../tag.js';
import { rememberIds, type KnownIds } from './known-ids.js';
import {
  destroySecretId,
  findByAccessor,
  findSecretId,
  makeSecretId,
  type Role,
  type SecretId,
} from './secret-ids.js';
import { endTokens, openUseOf, rememberTokens, type Token, type Tokens } from './tokens.js';
import { openAuditedUses, sampleTokens, serverTime, type AuditedUses } from './use.js';

const day = 86_400_000;

const Specification = z.strictObject({
  role: z.string().min(1).max(200).describe('the AppRole whose secret-ids they are'),
  validityMs: z.number().int().positive().optional(),
});

export const openbaoApprole = issuerKind({
  kind: 'openbao-approle',
  options: z
    .strictObject({
      ...baoAccess,
      mount: BaoPath.default('approle').describe('where the auth method is'),
      audit: z
        .strictObject({
          file: z
            .string()
            .min(1)
            .describe('what a file audit device writes, where rotor may read it'),
          device: BaoPath.describe('the path of the device'),
        })
        .optional(),
      userLockout: z
        .boolean()
        .default(true)
        .describe('whether user lockout is on for the mount, as it is by default'),
    })
    .refine(isOneLogin, oneLogin),
  specification: Specification,
  principal: ({ role }) => `role ${role}`,
  traits: ({ audit, userLockout }) => traitsOf(audit !== undefined, userLockout),
  variants: [
    { as: 'with an audit device', traits: traitsOf(true) },
    { as: 'without', traits: traitsOf(false) },
  ],
  tested: { system: 'OpenBao', version: '2.7.2', on: '2026-11-26' },
  open: ({ mount, audit, userLockout, ...options }, { installationId }) => {
    const bao = openBao(options);
    return open({
      ...{ bao, mount, installationId },
      ids: rememberIds(bao),
      tokens: rememberTokens(bao),
      traits: traitsOf(audit !== undefined, userLockout),
      device: audit?.device,
      audited:
        audit === undefined
          ? undefined
          : openAuditedUses({ bao, mount, installationId, file: audit.file }),
    });
  },
});

interface Instance {
  readonly traits: IssuerTraits;
  readonly bao: Bao;
  readonly mount: string;
  readonly installationId: string;
  readonly ids: KnownIds;
  readonly tokens: Tokens;
  readonly device: string | undefined;
  readonly audited: AuditedUses | undefined;
}

/** An audit device tells of every login; without one there are the tokens that live at each look. */
export function traitsOf(isAudited: boolean, locksOut = true): IssuerTraits {
  return {
    overlap: { kind: 'many' },
    valueChosenBy: 'ours',
    tag: 'place',
    disable: 'none',
    seesRefusals: isAudited,
    useRecord: isAudited ? 'exact' : 'sampled',
    // A probe is a lookup and no login: it opens no token, and spends no use.
    tellsProbesApart: true,
    lists: true,
    propagationMs: 0,
    outlives: 'tokens',
    outlivesMs: 32 * day,
    tellsOpenUseApart: true,
    longestValidityMs: undefined,
    // openbao.org/docs/concepts/user-lockout: five refusals, a quarter of an hour.
    ...(locksOut ? { lockout: { refusals: 5, forMs: 15 * 60_000 } } : {}),
  };
}

function open(instance: Instance): Issuer {
  return {
    kind: 'openbao-approle',
    traits: instance.traits,
    mint: (request) => mint(instance, request),
    verify: (ref, value) => verify(instance, ref, value),
    revoke: (ref) => revoke(instance, ref),
    list: (secret) => list(instance, secret),
    observedUse: (secret, since) => observedUse(instance, secret, since),
    openUse: async (ref) => openUseOf(await tokensOf(instance, ref)),
    endOpenUse: async (ref) => endTokens(instance.bao, await tokensOf(instance, ref)),
  };
}

function roleOf({ mount }: Instance, secret: IssuedSecret): Role {
  return { mount, role: readSpecification(Specification, secret, 'role').role };
}

/** A value that is there already was made by an attempt before: its answer was lost. */
async function mint(instance: Instance, request: MintRequest): Promise<Minted> {
  const { bao, ids } = instance;
  const { secret, value, tag, expiresAt } = request;
  if (value === undefined) throw new AdapterError('refused', 'the value is chosen by rotor');
  const role = roleOf(instance, secret);
  const secretId = value.reveal();
  const validityMs = expiresAt === undefined ? undefined : expiresAt.getTime() - Date.now();
  const there = await findSecretId(bao, role, secretId);
  if (there === undefined) {
    const audited = await auditedOf(instance, secretId);
    await makeSecretId(bao, role, { secretId, tag, audited, validityMs });
  }
  const made = there ?? (await findSecretId(bao, role, secretId));
  if (made === undefined)
    throw new AdapterError(
      'refused',
      `OpenBao makes no secret-id of role ${role.role}: is it there?`,
    );
  if (made.tag !== tag) throw notOurs();
  ids.note(role, made);
  const until = made.expiresAt;
  return { credentialId: made.accessor, ...(until === undefined ? {} : { expiresAt: until }) };
}

const Hash = z.object({ hash: z.string() });

/** What the audit device will write instead of the value: by it a login is known, a refused one too. */
async function auditedOf({ bao, device }: Instance, secretId: string): Promise<string | undefined> {
  if (device === undefined) return undefined;
  const path = `sys/audit-hash/${device}`;
  const reply = await bao.ask({ method: 'POST', path, body: { input: secretId } });
  return dataOf(Hash, reply).hash;
}

function notOurs(): AdapterError {
  return new AdapterError('not-ours', 'the secret-id carries another tag');
}

/** OpenBao says itself whether it would take the value: no login, which would open a token and be somebody's use. */
async function verify(
  instance: Instance,
  { secret, credentialId }: CredentialRef,
  value: SecretValue,
): Promise<void> {
  const found = await findSecretId(instance.bao, roleOf(instance, secret), value.reveal());
  if (found?.accessor !== credentialId) throw new CredentialRefused();
}

async function revoke(instance: Instance, ref: CredentialRef): Promise<void> {
  const { bao, ids } = instance;
  const role = roleOf(instance, ref.secret);
  const found = await findByAccessor(bao, role, ref.credentialId);
  if (found === undefined) return;
  ids.note(role, found);
  if (ref.tag !== undefined && found.tag !== ref.tag) throw notOurs();
  await destroySecretId(bao, role, ref.credentialId);
}

async function list(instance: Instance, secret: IssuedSecret): Promise<Credential[]> {
  const live = await instance.ids.live(roleOf(instance, secret));
  return live.map((id) => credentialOf(instance, id));
}

function credentialOf({ installationId }: Instance, id: SecretId): Credential {
  return {
    credentialId: id.accessor,
    tag: readTag(id.tag, installationId),
    createdAt: id.createdAt,
    expiresAt: id.expiresAt,
    disabled: false,
    rights: {},
  };
}

/** Of one that carries nothing of rotor's: those of all that carry nothing. */
async function tokensOf(
  instance: Instance,
  { secret, credentialId, tag }: CredentialRef,
): Promise<Token[]> {
  const role = roleOf(instance, secret);
  const known = instance.ids.everSeen(role).find(({ accessor }) => accessor === credentialId);
  const carried = known === undefined ? tag : known.tag;
  return (await instance.tokens.of(role)).filter((token) => token.tag === carried);
}

async function observedUse(
  instance: Instance,
  secret: IssuedSecret,
  since: Date,
): Promise<UseRecord> {
  const { audited, bao, ids, tokens } = instance;
  const role = roleOf(instance, secret);
  const known = async (): Promise<readonly SecretId[]> => {
    await ids.live(role);
    return ids.everSeen(role);
  };
  if (audited !== undefined) return audited.recordOf(role, since, known);
  const now = await serverTime(bao);
  return sampleTokens({ now, since, tokens: await tokens.of(role), ids: await known() });
}
