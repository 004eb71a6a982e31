/** One question to STS, which whoever has a key may ask: who am I? */
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import { awsClient, type AwsAccess } from '../../reach/aws.js';
import { awsFault, isRefusedKey } from '../../reach/aws-fault.js';
import type { AccessKey } from './value.js';

/** Throws CredentialRefused where AWS does not take the key. */
export async function proveKey(access: AwsAccess, key: AccessKey, user: string): Promise<void> {
  const { STS } = await import('@aws-sdk/client-sts');
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = key;
  const sts = new STS({ ...awsClient(access), credentials: { accessKeyId, secretAccessKey } });
  try {
    const { Arn: arn = '' } = await sts.getCallerIdentity({});
    const owner = arn.slice(arn.lastIndexOf('/') + 1);
    if (owner.toLowerCase() === user.toLowerCase()) return;
  } catch (error) {
    if (isRefusedKey(error)) throw new CredentialRefused();
    throw awsFault(error, { action: 'sts:GetCallerIdentity', on: `the key of user ${user}` });
  } finally {
    sts.destroy();
  }
  // It works: who takes it for a dead one would be wrong.
  throw notOfUser(key.AccessKeyId, user);
}

export function notOfUser(id: string, user: string): AdapterError {
  const message = `access key ${id} lives, and does not belong to user ${user}: was the user renamed?`;
  return new AdapterError('not-ours', message);
}
