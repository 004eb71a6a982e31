/** A receiver that takes the value by a signed POST and attests which version it uses. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type {
  Connector,
  Delivery,
  Destination,
  HeldVersions,
  KnownValue,
} from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { postSigned } from '../../reach/request.js';
import { readSecretFile } from '../../reach/secret-file.js';
import { connectorKind } from '../kind.js';

const Options = z.strictObject({
  keyFile: z.string().min(1).describe('a file of mode 0600: the key that requests are signed with'),
  allowHosts: z
    .array(z.string().toLowerCase())
    .default([])
    .describe('hosts in private networks that rotor may reach'),
  timeoutMs: z.number().int().positive().max(120_000).default(10_000),
});
type Options = z.output<typeof Options>;

const Address = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).refine((url) => {
    if (!URL.canParse(url)) return false;
    const { username, password, hash } = new URL(url);
    return username === '' && password === '' && hash === '';
  }, 'expected a URL without user, password and fragment'),
});

const Attestation = z.object({ uses: z.string().max(100).nullable() });

export const webhook = connectorKind({
  kind: 'webhook',
  options: Options,
  address: Address,
  identity: ({ url }) => new URL(url).href,
  open,
});

interface Instance {
  readonly options: Options;
  readonly key: Buffer;
}

/** Below that it could be guessed from one signed request. */
const shortestKey = 16;

function open(options: Options): Connector {
  const key = readSecretFile(options.keyFile, shortestKey);
  const instance: Instance = { options, key: Buffer.from(key.reveal()) };
  return {
    kind: 'webhook',
    traits: () => ({ holdsSeveral: false, evidence: 'attested' }),
    held: (destination, known) => held(instance, destination, known),
    deliver: (delivery) => deliver(instance, delivery),
    // It holds one value, and what was delivered last displaced every other.
    forget: () => Promise.resolve(),
    withdraw: (delivery) => withdraw(instance, delivery),
  };
}

function urlOf({ address }: Destination): URL {
  return new URL(Address.parse(address).url);
}

interface Question {
  readonly url: URL;
  readonly body: unknown;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(
  { options, key }: Instance,
  { url, body, signal, headers = {} }: Question,
): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const both = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  const { allowHosts } = options;
  const reply = await postSigned(url, body, { allowHosts, key, signal: both, headers });
  const parsed = Attestation.safeParse(parse(reply));
  if (parsed.success) return parsed.data.uses ?? undefined;
  throw new AdapterError('bad-reply', 'the receiver does not say which version it uses');
}

function parse(reply: string): unknown {
  try {
    return JSON.parse(reply);
  } catch {
    throw new AdapterError('bad-reply', "the receiver's answer is not JSON");
  }
}

async function held(
  instance: Instance,
  destination: Destination,
  known: readonly KnownValue[],
): Promise<HeldVersions> {
  const attests = await ask(instance, { url: urlOf(destination), body: { ask: 'version' } });
  const versionIds = known.map(({ versionId }) => versionId).filter((id) => id === attests);
  return { versionIds, unknown: [], attests };
}

/** The receiver may get the same delivery again: the version is the key. */
async function deliver(
  instance: Instance,
  { destination, version, signal }: Delivery,
): Promise<void> {
  const { versionId, value } = version;
  const deliveryId = randomUUID();
  const sentAt = new Date().toISOString();
  const body = { version: versionId, value: value.reveal(), deliveryId, sentAt };
  const headers = { 'rotor-delivery': deliveryId };
  const uses = await ask(instance, { url: urlOf(destination), body, signal, headers });
  if (uses !== versionId) {
    throw new AdapterError(
      'wrong-version',
      'the receiver attests another version than it was given',
    );
  }
}

/** A receiver that uses another version, or none, has nothing to drop and is not told. */
async function withdraw(
  instance: Instance,
  { destination, version: { versionId }, signal }: Delivery,
): Promise<void> {
  const url = urlOf(destination);
  if ((await ask(instance, { url, body: { ask: 'version' }, signal })) !== versionId) return;
  const uses = await ask(instance, { url, body: { withdrawn: versionId }, signal });
  if (uses === versionId) {
    throw new AdapterError('wrong-version', 'the receiver attests a version that was withdrawn');
  }
}
