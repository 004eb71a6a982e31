/** An IAM user of its own at moto, and programs that use its access keys. */
import { randomBytes, randomUUID } from 'node:crypto';
import { IAM } from '@aws-sdk/client-iam';
import { STS } from '@aws-sdk/client-sts';
import { awsIamAccessKey } from '../../issuers/aws-iam-access-key/index.js';
import type { PreparedIssuer } from '../contracts/hold-to-issuer.js';
import type { AddressOf } from '../targets/index.js';
import { readCredential } from '../targets/serving.js';
import { contextOf } from './context.js';

export interface PreparedAws extends PreparedIssuer {
  readonly user: string;
  readonly options: object;
  /** As the administrator. */
  readonly admin: IAM;
}

export async function prepareAws(server: AddressOf<'moto'>): Promise<PreparedAws> {
  const { url: endpoint, region, accessKeyIdFile, secretAccessKeyFile } = server;
  const installation = randomUUID();
  const user = `app-${randomBytes(6).toString('hex')}`;
  const options = { region, endpoint, accessKeyIdFile, secretAccessKeyFile };
  const admin = new IAM({
    region,
    endpoint,
    credentials: {
      accessKeyId: readCredential(accessKeyIdFile),
      secretAccessKey: readCredential(secretAccessKeyFile),
    },
  });
  await admin.createUser({ UserName: user });
  return {
    issuer: openAws(options, installation),
    installation,
    user,
    options,
    admin,
    secret: { secretId: randomUUID(), name: 'acme/bucket', specification: { userName: user } },
    use: (value, userAgent) => whoAmI({ region, endpoint, value, userAgent }),
    plant: async () => {
      const { AccessKey: key } = await admin.createAccessKey({ UserName: user });
      return key?.AccessKeyId ?? '';
    },
    close: async () => {
      await removeUser(admin, user);
      admin.destroy();
    },
  };
}

export function openAws(options: object, installation: string) {
  return awsIamAccessKey.open(awsIamAccessKey.options.parse(options), contextOf(installation));
}

export async function removeUser(admin: IAM, user: string): Promise<void> {
  const UserName = user;
  try {
    const { AccessKeyMetadata: keys = [] } = await admin.listAccessKeys({ UserName });
    for (const { AccessKeyId } of keys) await admin.deleteAccessKey({ UserName, AccessKeyId });
    const { PolicyNames: names = [] } = await admin.listUserPolicies({ UserName });
    for (const PolicyName of names) await admin.deleteUserPolicy({ UserName, PolicyName });
    await admin.deleteUser({ UserName });
  } catch (error) {
    if (!(error instanceof Error) || !error.name.startsWith('NoSuchEntity')) throw error;
  }
}

interface Asking {
  readonly region: string;
  readonly endpoint: string;
  readonly value: string;
  readonly userAgent: string;
}

/** As a program that reads the value: id and secret out of the JSON. */
async function whoAmI({ region, endpoint, value, userAgent }: Asking): Promise<boolean> {
  const key = JSON.parse(value) as { AccessKeyId: string; SecretAccessKey: string };
  const credentials = { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey };
  const sts = new STS({ region, endpoint, credentials, customUserAgent: userAgent });
  try {
    await sts.getCallerIdentity({});
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'InvalidClientTokenId') return false;
    throw error;
  } finally {
    sts.destroy();
  }
}
