/** JSON over HTTP with a system that rotor administers: bounded in time and size, never redirected, faults reduced to codes. */
import { readFile } from 'node:fs/promises';
import { AdapterError } from '../domain/errors.js';
import { networkFault } from './network-fault.js';

export interface JsonReply {
  readonly status: number;
  /** Undefined where there is none. */
  readonly body: unknown;
}

export interface JsonCall {
  readonly method: string;
  /** Below the address of the system; its parts are escaped already. */
  readonly path: string;
  /** Sent as JSON, or as a form. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface JsonApi {
  /** Throws where the system is away, fails or asks to come back later; all else is the caller's to read. */
  call(call: JsonCall): Promise<JsonReply>;
}

export interface Reached {
  readonly url: string;
  /** Begins sentences: "OpenBao". */
  readonly who: string;
  /** 10 s where it is not said. */
  readonly timeoutMs?: number;
  /** Authorities of the installation's own (PEM), instead of those that Node knows; read with each call. */
  readonly caFile?: string | undefined;
  /** Statuses of 500 and more that the caller reads itself. */
  readonly reads?: (status: number) => boolean;
}

const usualTimeoutMs = 10_000;
const largestReply = 16 * 1024 * 1024;

export function openJsonApi(reached: Reached): JsonApi {
  const { url, who, timeoutMs, reads = () => false } = reached;
  const base = url.replace(/\/+$/, '');
  const send = senderOf(reached);
  return {
    call: async (call) => {
      const limit = AbortSignal.timeout(timeoutMs ?? usualTimeoutMs);
      const signal = call.signal === undefined ? limit : AbortSignal.any([limit, call.signal]);
      const response = await send(`${base}${call.path}`, requestOf(call, signal));
      const { status } = response;
      if (!reads(status)) refuseFault(response, who);
      const text = await textOf(response, who).catch((error: unknown) => {
        throw faultOf(error, { who, signal });
      });
      return { status, body: bodyOf(text, who) };
    },
  };
}

type Send = (url: string, request: RequestInit) => Promise<Response>;

function senderOf({ caFile, who }: Reached): Send {
  return async (url, request) => {
    const send = caFile === undefined ? fetch : await trusting(caFile, who);
    return send(url, request).catch((error: unknown) => {
      throw faultOf(error, { who, signal: request.signal });
    });
  };
}

interface Asked {
  readonly who: string;
  readonly signal: AbortSignal | null | undefined;
}

/** Before the answer, and in the middle of it. */
function faultOf(error: unknown, { who, signal }: Asked): AdapterError {
  if (error instanceof AdapterError) return error;
  if (signal?.aborted === true)
    return new AdapterError('timed-out', `${who} did not answer in time`);
  return networkFault(error, who);
}

/** By file, with what it held: whoever changes it changes whom the next call trusts. */
const trusted = new Map<string, { readonly ca: string; readonly send: Send }>();

/** Node's own `fetch` takes no authorities: where some are given, the library that it is made of does it. */
async function trusting(caFile: string, who: string): Promise<Send> {
  const ca = await readFile(caFile, 'utf8').catch(() => {
    throw new AdapterError('not-permitted', `${caFile}, the authorities of ${who}, cannot be read`);
  });
  const known = trusted.get(caFile);
  if (known?.ca === ca) return known.send;
  const { Agent, fetch: request } = await import('undici');
  const dispatcher = new Agent({ connect: { ca } });
  const send: Send = (url, init) =>
    request(url, { ...init, dispatcher } as never) as unknown as Promise<Response>;
  trusted.set(caFile, { ca, send });
  return send;
}

function requestOf({ method, body, headers }: JsonCall, signal: AbortSignal): RequestInit {
  return {
    method,
    redirect: 'error',
    signal,
    headers: { 'user-agent': 'rotor', ...typeOf(body), ...headers },
    ...(body === undefined ? {} : { body: isForm(body) ? body : JSON.stringify(body) }),
  };
}

/** `fetch` itself says what a form is. */
function typeOf(body: object | undefined): Record<string, string> {
  return body === undefined || isForm(body) ? {} : { 'content-type': 'application/json' };
}

function isForm(body: object): body is URLSearchParams {
  return body instanceof URLSearchParams;
}

function refuseFault({ status, headers }: Response, who: string): void {
  if (status === 429) {
    const seconds = Number(headers.get('retry-after') ?? 1);
    const wait = Number.isFinite(seconds) ? seconds * 1_000 : 1_000;
    throw new AdapterError('busy', `${who} asks to come back later`, wait);
  }
  if (status >= 500) throw new AdapterError('unreachable', `${who} failed (HTTP ${status})`);
}

function bodyOf(text: string, who: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw unreadable(who);
  }
}

function unreadable(who: string): AdapterError {
  return new AdapterError('bad-reply', `the answer of ${who} cannot be read`);
}

/** No more is read of a body that is too large. */
async function textOf({ body }: Response, who: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > largestReply) throw unreadable(who);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
