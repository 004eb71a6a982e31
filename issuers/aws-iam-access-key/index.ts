/** Access keys of an IAM user: two at most, shown once, known by their id alone. */
import { z } from 'zod';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import type {
  Credential,
  CredentialRef,
  IssuedSecret,
  Issuer,
  IssuerTraits,
  Minted,
} from '../../domain/issuer.js';
import type { SecretValue } from '../../domain/secret-value.js';
import {
  AwsEndpoint,
  awsAccess,
  isWholeLogin,
  wholeLogin,
  type AwsAccess,
} from '../../reach/aws.js';
import { DurationOption } from '../../reach/options.js';
import { issuerKind } from '../kind.js';
import { readSpecification } from '../specification.js';
import { openIam, type Iam, type KeyName } from './iam.js';
import { noteLagMs, readUse } from './use.js';
import { keyOf, valueOf } from './value.js';
import { notOfUser, proveKey } from './verify.js';

const Specification = z.strictObject({
  userName: z
    .string()
    .regex(/^[\w+=,.@-]{1,64}$/, 'expected the name of an IAM user')
    .describe('the IAM user whose access keys they are; rotor does not make it'),
});

const Options = z
  .strictObject({
    ...awsAccess,
    stsEndpoint: AwsEndpoint.describe('the same for STS; otherwise as endpoint'),
    useLag: DurationOption.default(noteLagMs).describe(
      'how late IAM may note a use (4 h 15 min): the quiet period is longer by it',
    ),
    // docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html: changes are not always visible at once.
    propagation: DurationOption.default(10_000).describe(
      'how long IAM may take until a change holds everywhere (10 s)',
    ),
  })
  .refine(isWholeLogin, wholeLogin);

export const traitsOf = (propagationMs: number): IssuerTraits => ({
  overlap: { kind: 'slots', slots: 2 },
  valueChosenBy: 'theirs',
  tag: 'none',
  disable: 'manual',
  // A key that is inactive or gone was not used, by IAM's record.
  seesRefusals: false,
  useRecord: 'last-used',
  tellsProbesApart: false,
  lists: true,
  propagationMs,
  // A key may ask STS for session tokens, which live on without it; GetSessionToken and GetFederationToken give 36 hours at most.
  outlives: 'tokens',
  outlivesMs: 36 * 3_600_000,
  tellsOpenUseApart: true,
  longestValidityMs: undefined,
});

export const awsIamAccessKey = issuerKind({
  kind: 'aws-iam-access-key',
  libraries: [
    { name: '@aws-sdk/client-iam', version: '3.1169.0' },
    { name: '@aws-sdk/client-sts', version: '3.1174.0' },
  ],
  options: Options,
  specification: Specification,
  // Names of users differ by more than case.
  principal: ({ userName }) => `user ${userName.toLowerCase()}`,
  traits: ({ propagation }) => traitsOf(propagation),
  variants: [{ as: '', traits: traitsOf(10_000) }],
  tested: { system: 'AWS as moto plays it', version: '5.2.5', on: '2026-11-26' },
  open: ({ stsEndpoint, useLag, propagation, ...access }) =>
    open({
      traits: traitsOf(propagation),
      iam: openIam(access),
      sts: { ...access, endpoint: stsEndpoint ?? access.endpoint },
      useLagMs: useLag,
    }),
});

interface Instance {
  readonly traits: IssuerTraits;
  readonly iam: Iam;
  readonly sts: AwsAccess;
  readonly useLagMs: number;
}

function open(instance: Instance): Issuer {
  const { iam, traits, useLagMs } = instance;
  const nameOf = ({ secret, credentialId }: CredentialRef): KeyName => ({
    user: userOf(secret),
    id: credentialId,
  });
  return {
    kind: 'aws-iam-access-key',
    traits,
    mint: ({ secret }) => mint(iam, secret),
    verify: (ref, value) => verify(instance, ref, value),
    revoke: (ref) => revoke(iam, ref),
    list: (secret) => list(iam, secret),
    disable: (ref) => iam.setActive(nameOf(ref), false),
    enable: (ref) => enable(iam, nameOf(ref)),
    observedUse: (secret, since) => readUse(iam, { user: userOf(secret), since, lagMs: useLagMs }),
  };
}

function userOf(secret: IssuedSecret): string {
  return readSpecification(Specification, secret, 'user').userName;
}

async function mint(iam: Iam, secret: IssuedSecret): Promise<Minted> {
  const { id, secret: shown } = await iam.create(userOf(secret));
  return { credentialId: id, value: valueOf({ AccessKeyId: id, SecretAccessKey: shown }) };
}

/** Of a value that is none, and of another key's, nothing is asked. */
async function verify(
  { sts }: Instance,
  { secret, credentialId }: CredentialRef,
  value: SecretValue,
): Promise<void> {
  const key = keyOf(value);
  if (key?.AccessKeyId !== credentialId) throw new CredentialRefused();
  await proveKey(sts, key, userOf(secret));
}

async function enable(iam: Iam, key: KeyName): Promise<void> {
  try {
    await iam.setActive(key, true);
  } catch (error) {
    if (!(error instanceof AdapterError) || error.code !== 'not-found') throw error;
    await demandGone(iam, key);
  }
}

async function revoke(iam: Iam, { secret, credentialId: id }: CredentialRef): Promise<void> {
  const key = { user: userOf(secret), id };
  if (!(await iam.remove(key))) await demandGone(iam, key);
}

/** A user that was renamed took its keys along: not found under the old name is not gone. */
async function demandGone(iam: Iam, { user, id }: KeyName): Promise<void> {
  const owner = await iam.ownerOf(id);
  if (owner !== undefined && owner.toLowerCase() !== user.toLowerCase()) throw notOfUser(id, user);
  if (owner !== undefined || (await isListed(iam, user, id)))
    throw new AdapterError('busy', 'AWS does not agree with itself yet whether the key is gone');
}

async function isListed(iam: Iam, user: string, id: string): Promise<boolean> {
  try {
    const { keys } = await iam.keysOf(user);
    return keys.some(({ AccessKeyId }) => AccessKeyId === id);
  } catch (error) {
    // Users are deleted after their keys.
    if (error instanceof AdapterError && error.code === 'not-found') return false;
    throw error;
  }
}

/** A user that is not there is no empty list: under another name its keys may live. */
async function list(iam: Iam, secret: IssuedSecret): Promise<Credential[]> {
  const { keys } = await iam.keysOf(userOf(secret));
  return keys.flatMap(({ AccessKeyId: id, CreateDate: createdAt, Status }) =>
    id === undefined
      ? []
      : [
          {
            credentialId: id,
            tag: { kind: 'none' },
            createdAt,
            expiresAt: undefined,
            disabled: Status !== 'Active',
            rights: {},
          } as const,
        ],
  );
}
