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
  /** Of authorities that are trusted here instead of the usual ones. */
  readonly caFile?: string | undefined;
  /** 10 s where it is not said. */
  readonly timeoutMs?: number;
  /** Statuses of 500 and more that the caller reads itself. */
  readonly reads?: (status: number) => boolean;
}

const usualTimeoutMs = 10_000;
const largestReply = 16 * 1024 * 1024;

export function openJsonApi(reached: Reached): JsonApi {
  const { url, who, timeoutMs, reads = () => false } = reached;
  const base = url.replace(/\/+$/, '');
  const reach = reachedBy(reached);
  return {
    call: async (call) => {
      const limit = AbortSignal.timeout(timeoutMs ?? usualTimeoutMs);
      const signal = call.signal === undefined ? limit : AbortSignal.any([limit, call.signal]);
      const send = await reach();
      const response = await send(`${base}${call.path}`, requestOf(call, signal)).catch(
        (error: unknown) => {
          if (signal.aborted) throw new AdapterError('timed-out', `${who} did not answer in time`);
          throw networkFault(error, who);
        },
      );
      const { status } = response;
      if (!reads(status)) refuseFault(response, who);
      return { status, body: await bodyOf(response, who) };
    },
  };
}

type Send = (url: string, request: RequestInit) => Promise<Response>;

/** Node's own `fetch` takes no authorities: where some are given, the library that it is made of does it. */
function reachedBy({ caFile, who }: Reached): () => Promise<Send> {
  if (caFile === undefined) return () => Promise.resolve(fetch);
  let opened: Promise<Send> | undefined;
  return () => (opened ??= trusting(caFile, who));
}

async function trusting(caFile: string, who: string): Promise<Send> {
  const ca = await readFile(caFile, 'utf8').catch(() => {
    throw new AdapterError('not-permitted', `${caFile}, the authorities of ${who}, cannot be read`);
  });
  const library = await import('undici');
  const dispatcher = new library.Agent({ connect: { ca } });
  return (url, request) =>
    library.fetch(url, { ...request, dispatcher } as never) as unknown as Promise<Response>;
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

async function bodyOf(response: Response, who: string): Promise<unknown> {
  try {
    const text = await response.text();
    if (text.length > largestReply) throw new RangeError('too large');
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new AdapterError('bad-reply', `the answer of ${who} cannot be read`);
  }
}
