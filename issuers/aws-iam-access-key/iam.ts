/** Access keys of a user, as IAM keeps them; every fault in words of ours. */
import type { AccessKeyMetadata, IAM } from '@aws-sdk/client-iam';
import { AdapterError } from '../../domain/errors.js';
import { awsClient, type AwsAccess } from '../../reach/aws.js';
import { awsFault, headerIn, type AskedOfAws } from '../../reach/aws-fault.js';

export interface Keys {
  readonly keys: readonly AccessKeyMetadata[];
  /** IAM's clock when it answered first. */
  readonly at: Date;
}

/** A key is named by its user and its id. */
export interface KeyName {
  readonly user: string;
  readonly id: string;
}

export interface Iam {
  create(user: string): Promise<{ readonly id: string; readonly secret: string }>;
  keysOf(user: string): Promise<Keys>;
  setActive(key: KeyName, isActive: boolean): Promise<void>;
  /** False where there is no such key of the user, or no such user. */
  remove(key: KeyName): Promise<boolean>;
  /** Undefined where IAM knows no such key, or does not say. */
  ownerOf(id: string): Promise<string | undefined>;
  lastUsed(key: KeyName): Promise<Date | undefined>;
}

export function openIam(access: AwsAccess): Iam {
  let opened: Promise<IAM> | undefined;
  const client = (): Promise<IAM> =>
    (opened ??= import('@aws-sdk/client-iam').then(
      (library) => new library.IAM(awsClient(access)),
    ));
  const ask = <T>(asked: AskedOfAws, work: (iam: IAM) => Promise<T>): Promise<T> =>
    client()
      .then(work)
      .catch((error: unknown) => {
        throw awsFault(error, asked);
      });
  return {
    create: (user) => create(ask, user),
    keysOf: (user) => keysOf(ask, user),
    setActive: (key, isActive) => setActive(ask, key, isActive),
    remove: (key) => remove(ask, key),
    ownerOf: (id) => ownerOf(ask, id),
    lastUsed: ({ user, id }) => lastUsed(ask, { user, id }),
  };
}

type Ask = <T>(asked: AskedOfAws, work: (iam: IAM) => Promise<T>) => Promise<T>;

function onUser(action: string, user: string): Required<AskedOfAws> {
  const gone = `there is no IAM user ${user}: it was never made, deleted, or renamed`;
  return {
    action: `iam:${action}`,
    on: `user ${user}`,
    meanings: { NoSuchEntity: ['not-found', gone] },
  };
}

async function create(ask: Ask, user: string): Promise<{ id: string; secret: string }> {
  const asked = onUser('CreateAccessKey', user);
  const full = `user ${user} has two access keys already: revoke one of rotor's, or delete one that nobody needs (rotor findings)`;
  const meanings: AskedOfAws['meanings'] = { ...asked.meanings, LimitExceeded: ['refused', full] };
  const { AccessKey: key } = await ask({ ...asked, meanings }, (iam) =>
    iam.createAccessKey({ UserName: user }),
  );
  const { AccessKeyId: id, SecretAccessKey: secret } = key ?? {};
  if (id !== undefined && secret !== undefined) return { id, secret };
  throw new AdapterError('bad-reply', 'AWS made an access key and did not show it');
}

async function keysOf(ask: Ask, user: string): Promise<Keys> {
  const { ListAccessKeysCommand } = await import('@aws-sdk/client-iam');
  const keys: AccessKeyMetadata[] = [];
  let at: Date | undefined;
  let marker: string | undefined;
  do {
    const command = new ListAccessKeysCommand({ UserName: user, Marker: marker });
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        at ??= new Date(headerIn(result.response, 'date') ?? Number.NaN);
        return result;
      },
      { step: 'deserialize', name: 'clock' },
    );
    const page = await ask(onUser('ListAccessKeys', user), (iam) => iam.send(command));
    keys.push(...listedIn(page.AccessKeyMetadata));
    marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (marker !== undefined);
  if (at !== undefined && !Number.isNaN(at.getTime())) return { keys, at };
  throw new AdapterError('bad-reply', 'AWS does not tell its time');
}

/** Whatever answers instead of IAM lists nothing, and all keys would count as gone. */
function listedIn(keys: readonly AccessKeyMetadata[] | undefined): readonly AccessKeyMetadata[] {
  if (keys !== undefined) return keys;
  throw notIam();
}

function notIam(): AdapterError {
  return new AdapterError('bad-reply', 'what answers there is not IAM: is endpoint right?');
}

async function setActive(ask: Ask, { user, id }: KeyName, isActive: boolean): Promise<void> {
  const asked = onUser('UpdateAccessKey', user);
  const gone = `user ${user} has no access key ${id}, or there is no such user`;
  const meanings: AskedOfAws['meanings'] = { NoSuchEntity: ['not-found', gone] };
  const Status = isActive ? 'Active' : 'Inactive';
  await ask({ ...asked, meanings }, (iam) =>
    iam.updateAccessKey({ UserName: user, AccessKeyId: id, Status }),
  );
}

async function remove(ask: Ask, { user, id }: KeyName): Promise<boolean> {
  try {
    const { $metadata: told } = await ask(onUser('DeleteAccessKey', user), (iam) =>
      iam.deleteAccessKey({ UserName: user, AccessKeyId: id }),
    );
    // AWS numbers its answers, and this one has nothing else in it.
    if (told.requestId === undefined) throw notIam();
    return true;
  } catch (error) {
    if (error instanceof AdapterError && error.code === 'not-found') return false;
    throw error;
  }
}

/** IAM refuses the question for a key that is gone, as it does where the right is missing. */
async function ownerOf(ask: Ask, id: string): Promise<string | undefined> {
  const asked = { action: 'iam:GetAccessKeyLastUsed', on: `access key ${id}` };
  try {
    return (await ask(withGone(asked), (iam) => iam.getAccessKeyLastUsed({ AccessKeyId: id })))
      .UserName;
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    if (error.code === 'not-found' || error.code === 'not-permitted') return undefined;
    throw error;
  }
}

async function lastUsed(ask: Ask, { user, id }: KeyName): Promise<Date | undefined> {
  const asked = { action: 'iam:GetAccessKeyLastUsed', on: `user ${user}` };
  const answer = await ask(withGone(asked), (iam) => iam.getAccessKeyLastUsed({ AccessKeyId: id }));
  return answer.AccessKeyLastUsed?.LastUsedDate;
}

function withGone(asked: AskedOfAws): AskedOfAws {
  return { ...asked, meanings: { NoSuchEntity: ['not-found', 'there is no such access key'] } };
}
