/** The values in use at AWS Secrets Manager, of secrets whose names begin in one way. */
import { z } from 'zod';
import type { Looking } from '../../domain/discover/place.js';
import { AdapterError } from '../../domain/errors.js';
import { awsAccess, isWholeLogin, wholeLogin } from '../../reach/aws.js';
import { placeKind } from '../kind.js';
import { openAwsSecrets, type AwsSecrets } from './list.js';

const Options = z
  .strictObject({
    ...awsAccess,
    prefix: z
      .string()
      .regex(/^[\w/+=.@-]{0,512}$/, 'expected the beginning of names, and no ARN')
      .default('')
      .describe('nothing: all of the region'),
    mostSecrets: z.number().int().min(1).max(100_000).default(2_000),
  })
  .refine(isWholeLogin, wholeLogin);
type Options = z.output<typeof Options>;

export const awsSecretsManager = placeKind({
  kind: 'aws-secrets-manager',
  libraries: [{ name: '@aws-sdk/client-secrets-manager', version: '3.1164.0' }],
  options: Options,
  open: (options) => ({
    name: `AWS Secrets Manager ${options.region} ${options.prefix}*`,
    covers: `${options.region} ${options.prefix}`,
    check: (signal) => check(options, signal),
    look: (looking) => look(options, looking),
  }),
});

/** Whether values may be read, too, only reading one would show. */
async function check(options: Options, signal: AbortSignal): Promise<string> {
  const secrets = await openAwsSecrets({ access: options, signal });
  try {
    const { done } = await secrets.list(options.prefix).next();
    return done === true ? 'lists no secret of that name' : 'can be listed';
  } finally {
    secrets.close();
  }
}

async function look(options: Options, looking: Looking): Promise<string> {
  const secrets = await openAwsSecrets({ access: options, signal: looking.signal });
  const { region, prefix, mostSecrets } = options;
  let count = 0;
  try {
    for await (const { Name: name = '' } of secrets.list(prefix)) {
      if (count >= mostSecrets || looking.signal.aborted) {
        looking.passedOver(`${region} ${prefix}`, `the rest after ${count} secrets`);
        break;
      }
      count += 1;
      await lookAtSecret(looking, secrets, { region, name });
    }
  } finally {
    secrets.close();
  }
  return `${count} secrets, what is in use of each`;
}

interface Named {
  readonly region: string;
  readonly name: string;
}

async function lookAtSecret(
  looking: Looking,
  secrets: AwsSecrets,
  { region, name }: Named,
): Promise<void> {
  const identity = `${region} ${name}`;
  try {
    const text = await secrets.read(name);
    if (text === undefined) return looking.passedOver(identity, 'holds bytes, and no text');
    const destination = { secret: name };
    await looking.met(
      { identity, declare: { connector: 'aws-secrets-manager', destination } },
      text,
    );
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    looking.passedOver(identity, error.message);
  }
}
