/** One POST to a receiver, signed where it has a key: to a checked address only, bounded in time and size, never redirected. */
import type { LookupAddress } from 'node:dns';
import { lookup as resolveName } from 'node:dns/promises';
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createHmac } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { AdapterError } from '../domain/errors.js';

export interface Reaching {
  /** In private networks, and reached all the same. */
  readonly allowHosts: readonly string[];
  readonly signal: AbortSignal;
  /** Sent too; not a part of what is signed. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Signing extends Reaching {
  readonly key: Buffer;
}

const largestReply = 64 * 1024;

/** Gives what the receiver answers. */
export function postSigned(
  url: URL,
  body: unknown,
  { key, ...reaching }: Signing,
): Promise<string> {
  const text = JSON.stringify(body);
  const sentAt = Math.floor(Date.now() / 1_000);
  const mac = createHmac('sha256', key).update(`${sentAt}.${text}`).digest('hex');
  const headers = { ...reaching.headers, 'rotor-signature': `t=${sentAt},v1=${mac}` };
  return postJson(url, text, { ...reaching, headers });
}

/** `text` is JSON already: what is signed is what is sent. */
export async function postJson(url: URL, text: string, reaching: Reaching): Promise<string> {
  const addresses = await checkedAddresses(url, reaching);
  const reply = await send(url, text, {
    method: 'POST',
    signal: reaching.signal,
    // The name was resolved and checked: a second answer of the DNS must not lead elsewhere.
    lookup: (_host, options, done) => {
      if (options.all === true) done(null, [...addresses]);
      else done(null, addresses[0].address, addresses[0].family);
    },
    headers: {
      ...reaching.headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'user-agent': 'rotor',
    },
  });
  refuseFailed(reply);
  return reply.text;
}

/** Throws where nothing could be sent to this place. */
export async function checkPlace(url: URL, reaching: Omit<Reaching, 'headers'>): Promise<void> {
  await checkedAddresses(url, reaching);
}

type Addresses = readonly [LookupAddress, ...LookupAddress[]];

/** HTTPS to public addresses, HTTP to this machine; anything else only where its host is allowed by name. */
async function checkedAddresses(
  url: URL,
  { allowHosts, signal }: Omit<Reaching, 'headers'>,
): Promise<Addresses> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = await resolve(host, signal);
  const isLoopback = addresses.every(({ address }) => rangeOf(address) === 'loopback');
  const arePublic = addresses.every(({ address }) => rangeOf(address) === 'public');
  if (!isLoopback && !arePublic && !allowHosts.includes(host))
    throw new AdapterError('not-permitted', `${host} is not a public address`);
  if (url.protocol === 'http:' && !isLoopback)
    throw new AdapterError('not-permitted', `${host} is reached by HTTPS only`);
  return addresses;
}

/** All that is given out of IPv6 (RFC 4291, section 2.4); what lies outside may still lead inside. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

function rangeOf(address: string): 'loopback' | 'public' | 'other' {
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (range === 'loopback') return 'loopback';
  const isGiven = parsed.kind() === 'ipv4' || parsed.match(globalUnicast);
  return range === 'unicast' && isGiven ? 'public' : 'other';
}

async function resolve(host: string, signal: AbortSignal): Promise<Addresses> {
  try {
    const found = await Promise.race([resolveName(host, { all: true }), aborted(signal)]);
    const [first, ...others] = found;
    if (first !== undefined) return [first, ...others];
  } catch {
    if (signal.aborted) throw new AdapterError('timed-out', `${host} was not resolved in time`);
  }
  throw new AdapterError('unreachable', `${host} cannot be resolved`);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => {
      reject(new Error('aborted'));
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

function send(url: URL, text: string, options: RequestOptions): Promise<Reply> {
  return new Promise((resolveReply, reject) => {
    const start = url.protocol === 'https:' ? requestHttps : requestHttp;
    const fail = (error: unknown): void => reject(toAdapterError(error, options.signal));
    const outgoing = start(url, options, (incoming) => {
      readAll(incoming).then(
        (read) => resolveReply({ status: incoming.statusCode ?? 0, text: read }),
        fail,
      );
    });
    outgoing.on('error', fail);
    outgoing.end(text);
  });
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestReply) {
      incoming.destroy();
      throw new AdapterError('bad-reply', 'the receiver answers more than 64 KiB');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toAdapterError(error: unknown, signal: AbortSignal | undefined): AdapterError {
  if (error instanceof AdapterError) return error;
  if (signal?.aborted === true)
    return new AdapterError('timed-out', 'the receiver did not answer in time');
  return new AdapterError('unreachable', 'the receiver cannot be reached');
}

function refuseFailed({ status }: Reply): void {
  if (status >= 300 && status < 400) {
    throw new AdapterError('refused', 'the receiver redirects, and rotor does not follow');
  }
  if (status === 429) throw new AdapterError('busy', 'the receiver asks to come back later');
  if (status >= 500) throw new AdapterError('unreachable', `the receiver failed (HTTP ${status})`);
  if (status < 200 || status >= 300) {
    throw new AdapterError('refused', `the receiver refuses (HTTP ${status})`);
  }
}
