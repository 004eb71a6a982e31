/** JSON over HTTP with a system that rotor administers: bounded in time and size, never redirected, faults reduced to codes. */
import { AdapterError } from '../domain/errors.js';
import { fetchTrusting, type Sent } from './fetch-trusting.js';
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
  /** Authorities of the installation's own, as PEM, instead of those that Node knows. */
  readonly ca?: string;
  /** Statuses of 500 and more that the caller reads itself. */
  readonly reads?: (status: number) => boolean;
}

const usualTimeoutMs = 10_000;
const largestReply = 16 * 1024 * 1024;

export function openJsonApi({ url, who, timeoutMs, ca, reads = () => false }: Reached): JsonApi {
  const base = url.replace(/\/+$/, '');
  return {
    call: async (call) => {
      const signal = AbortSignal.timeout(timeoutMs ?? usualTimeoutMs);
      const sent = requestOf(call, signal);
      const address = `${base}${call.path}`;
      const sending = ca === undefined ? fetch(address, sent) : fetchTrusting(ca, address, sent);
      const response = await sending.catch((error: unknown) => {
        throw networkFault(error, who);
      });
      const { status } = response;
      if (!reads(status)) refuseFault(response, who);
      return { status, body: await bodyOf(response, who) };
    },
  };
}

function requestOf({ method, body, headers }: JsonCall, signal: AbortSignal): Sent {
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
    const text = await textOf(response);
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new AdapterError('bad-reply', `the answer of ${who} cannot be read`);
  }
}

/** No more is read of a body that is too large. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > largestReply) throw new RangeError('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
