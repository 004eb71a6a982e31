/** How rotor reaches AWS: where, as whom, one attempt at a time. */
import { z } from 'zod';
import { readSecretFile } from './secret-file.js';

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

function isPrivate(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  return (protocol === 'https:' || loopback.has(hostname)) && username === '' && password === '';
}

export const AwsEndpoint = z
  .url({ protocol: /^https?$/, abort: true })
  .refine(isPrivate, 'expected https, or this machine, and no login in it')
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
};

export interface AwsAccess {
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly accessKeyIdFile?: string | undefined;
  readonly secretAccessKeyFile?: string | undefined;
}

export function isWholeLogin({ accessKeyIdFile, secretAccessKeyFile }: AwsAccess): boolean {
  return (accessKeyIdFile === undefined) === (secretAccessKeyFile === undefined);
}

export const wholeLogin = {
  path: ['secretAccessKeyFile'],
  message: 'accessKeyIdFile and secretAccessKeyFile belong together: give both, or neither',
};

const timeoutMs = 10_000;

/** What a client of the SDK is made with: typed as the SDK does, which is loaded only when it is used. */
export function awsClient({ region, endpoint, accessKeyIdFile, secretAccessKeyFile }: AwsAccess) {
  const files = accessKeyIdFile !== undefined && secretAccessKeyFile !== undefined;
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
    ...(files ? { credentials: loginFrom(accessKeyIdFile, secretAccessKeyFile) } : {}),
  };
}

interface Login {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly expiration: Date;
}

/** Expired at once, so that the SDK asks again: whoever changes the files changes what is used next. */
function loginFrom(idFile: string, secretFile: string): () => Promise<Login> {
  return async () => ({
    accessKeyId: readSecretFile(idFile).reveal(),
    secretAccessKey: readSecretFile(secretFile).reveal(),
    expiration: new Date(),
  });
}
