/** How rotor reaches AWS: where, as whom, one attempt at a time. */
import { z } from 'zod';
import { AdapterError } from '../domain/errors.js';
import { isPrivateUrl } from './options.js';
import { readSecretFile } from './secret-file.js';

function isFit(url: string): boolean {
  if (!isPrivateUrl(url)) return false;
  const { username, password } = new URL(url);
  return username === '' && password === '';
}

export const AwsEndpoint = z
  .url({ protocol: /^https?$/, abort: true })
  .refine(isFit, 'expected https, or this machine, and no login in it')
  .optional();

/** Options that every kind at AWS has. */
export const awsAccess = {
  region: z
    .string()
    .regex(/^[a-z]{2,}(-[a-z]+)+-\d$/, 'expected a region such as eu-central-1')
    .describe('says the partition, too'),
  endpoint: AwsEndpoint.describe("another address than the region's, such as a VPC endpoint"),
  accessKeyIdFile: z
    .string()
    .min(1)
    .optional()
    .describe("a file of mode 0600; without it, the SDK's own chain finds credentials"),
  secretAccessKeyFile: z.string().min(1).optional().describe('a file of mode 0600'),
  accessKeyFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'instead of the two: one file of mode 0600 with both, as JSON (AccessKeyId, SecretAccessKey)',
    ),
};

export interface AwsAccess {
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly accessKeyIdFile?: string | undefined;
  readonly secretAccessKeyFile?: string | undefined;
  readonly accessKeyFile?: string | undefined;
}

export function isWholeLogin(access: AwsAccess): boolean {
  const { accessKeyIdFile: id, secretAccessKeyFile: secret, accessKeyFile: both } = access;
  const isPair = (id === undefined) === (secret === undefined);
  return isPair && (both === undefined || id === undefined);
}

export const wholeLogin = {
  path: ['secretAccessKeyFile'],
  message:
    'accessKeyIdFile and secretAccessKeyFile belong together: give both, or accessKeyFile, or none',
};

const timeoutMs = 10_000;

/** What a client of the SDK is made with: typed as the SDK does, which is loaded only when it is used. */
export function awsClient(access: AwsAccess) {
  const { region, endpoint } = access;
  const credentials = loginOf(access);
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    // A second attempt after a lost answer would make a second key: rotor looks first, then asks again.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
    },
    ...(credentials === undefined ? {} : { credentials }),
  };
}

interface Login {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly expiration: Date;
}

/** Expired at once, so that the SDK asks again: whoever changes the files changes what is used next. */
function loginOf(access: AwsAccess): (() => Promise<Login>) | undefined {
  const { accessKeyIdFile: id, secretAccessKeyFile: secret, accessKeyFile: both } = access;
  const read = (): Omit<Login, 'expiration'> | undefined => {
    if (both !== undefined) return keyIn(both);
    if (id === undefined || secret === undefined) return undefined;
    return {
      accessKeyId: readSecretFile(id).reveal(),
      secretAccessKey: readSecretFile(secret).reveal(),
    };
  };
  if (both === undefined && id === undefined) return undefined;
  return async () => {
    const login = read();
    if (login === undefined) throw new AdapterError('not-permitted', wholeLogin.message);
    return { ...login, expiration: new Date() };
  };
}

/** As `aws-iam-access-key` makes them, so that one of rotor's own can be rotated like any other. */
const Key = z.object({ AccessKeyId: z.string(), SecretAccessKey: z.string() });

function keyIn(file: string): Omit<Login, 'expiration'> {
  const parsed = Key.safeParse(jsonOf(readSecretFile(file).reveal()));
  if (!parsed.success)
    throw new AdapterError('not-permitted', `${file} (accessKeyFile) holds no access key as JSON`);
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = parsed.data;
  return { accessKeyId, secretAccessKey };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
