/** The versions of one secret at Secrets Manager, by their stages; every fault in words of ours. */
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { AdapterError } from '../../domain/errors.js';
import { awsClient, type AwsAccess } from '../../reach/aws.js';
import { awsFault, type AskedOfAws } from '../../reach/aws-fault.js';

export const current = 'AWSCURRENT';
export const pending = 'AWSPENDING';
export const previous = 'AWSPREVIOUS';

export interface Held {
  readonly id: string;
  readonly stages: readonly string[];
  readonly text: string;
}

export interface Move {
  readonly stage: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** One secret, during one call of the connector. */
export interface Vault {
  /** Every version that has a stage. */
  versions(): Promise<readonly Held[]>;
  /** As AWSPENDING; again with the same id and text it changes nothing. */
  put(id: string, text: string): Promise<void>;
  /** Throws `changed-meanwhile` where the stage is not where it was seen. */
  move(move: Move): Promise<void>;
}

/** A client for the life of the process: made when it is first needed. */
export function openClient(access: AwsAccess): () => Promise<SecretsManager> {
  let opened: Promise<SecretsManager> | undefined;
  return () =>
    (opened ??= import('@aws-sdk/client-secrets-manager').then(
      (library) => new library.SecretsManager(awsClient(access)),
    ));
}

interface Opening {
  readonly client: () => Promise<SecretsManager>;
  readonly name: string;
  readonly signal: AbortSignal | undefined;
}

type Call<T> = (client: SecretsManager, http: { abortSignal?: AbortSignal }) => Promise<T>;
type Ask = <T>(asked: AskedOfAws, call: Call<T>) => Promise<T>;

export function openVault({ client, name, signal }: Opening): Vault {
  const http = signal === undefined ? {} : { abortSignal: signal };
  const ask: Ask = async (asked, call) => {
    try {
      return await call(await client(), http);
    } catch (error) {
      throw awsFault(error, asked);
    }
  };
  return {
    versions: () => versions(ask, name),
    put: (id, text) => put(ask, name, { id, text }),
    move: (move) => moveStage(ask, name, move),
  };
}

function on(action: string, name: string): Required<AskedOfAws> {
  return {
    action: `secretsmanager:${action}`,
    on: `secret ${name}`,
    meanings: {
      ResourceNotFound: ['not-found', `there is no secret ${name}, or it has nothing to read`],
      InvalidRequest: ['refused', `secret ${name} is about to be deleted, or AWS's own to change`],
      DecryptionFailure: ['not-permitted', `rotor may not do kms:Decrypt with the key of ${name}`],
      EncryptionFailure: [
        'not-permitted',
        `rotor may not do kms:GenerateDataKey with the key of ${name}`,
      ],
      LimitExceeded: [
        'refused',
        `secret ${name} has too many versions or stages: remove stages that begin with ROTOR-KEPT`,
      ],
    },
  };
}

async function versions(ask: Ask, name: string): Promise<Held[]> {
  const described = await ask(on('DescribeSecret', name), (client, http) =>
    client.describeSecret({ SecretId: name }, http),
  );
  if (described.ARN === undefined)
    throw new AdapterError(
      'bad-reply',
      'what answers there is not Secrets Manager: is endpoint right?',
    );
  // AWS describes it still, and reads nothing.
  if (described.DeletedDate !== undefined)
    throw new AdapterError('refused', `secret ${name} is about to be deleted: restore it first`);
  const staged = Object.entries(described.VersionIdsToStages ?? {});
  const held: Held[] = [];
  for (const [id, stages] of staged) {
    const [stage] = stages;
    if (stage === undefined) continue;
    held.push({ id, stages, text: await read(ask, name, { id, stage }) });
  }
  return held;
}

/** With the stage: without one, another version than the one in use may be answered. */
async function read(
  ask: Ask,
  name: string,
  { id, stage }: { readonly id: string; readonly stage: string },
): Promise<string> {
  const asked = on('GetSecretValue', name);
  const moved = ['changed-meanwhile', `the stages of secret ${name} were moved meanwhile`] as const;
  const meanings = { ...asked.meanings, InvalidRequest: moved, ResourceNotFound: moved };
  const { SecretString: text } = await ask({ ...asked, meanings }, (client, http) =>
    client.getSecretValue({ SecretId: name, VersionId: id, VersionStage: stage }, http),
  );
  if (text !== undefined) return text;
  throw new AdapterError('invalid-destination', `secret ${name} holds bytes, and no text`);
}

async function put(
  ask: Ask,
  name: string,
  { id, text }: { readonly id: string; readonly text: string },
): Promise<void> {
  const asked = on('PutSecretValue', name);
  const other = `secret ${name} holds another value under the id of this version`;
  const meanings: AskedOfAws['meanings'] = {
    ...asked.meanings,
    ResourceExists: ['refused', other],
  };
  await ask({ ...asked, meanings }, (client, http) =>
    client.putSecretValue(
      { SecretId: name, ClientRequestToken: id, SecretString: text, VersionStages: [pending] },
      http,
    ),
  );
}

async function moveStage(ask: Ask, name: string, { stage, from, to }: Move): Promise<void> {
  const asked = on('UpdateSecretVersionStage', name);
  const moved = `somebody else moved ${stage} of secret ${name} meanwhile`;
  const meanings: AskedOfAws['meanings'] = {
    ...asked.meanings,
    InvalidParameter: ['changed-meanwhile', moved],
  };
  await ask({ ...asked, meanings }, (client, http) =>
    client.updateSecretVersionStage(
      { SecretId: name, VersionStage: stage, RemoveFromVersionId: from, MoveToVersionId: to },
      http,
    ),
  );
}
