/** The HTTP client of rotor's API: a token from the environment or a file, errors as they were told. */
import { readFileSync } from 'node:fs';
import { RotorError, type ErrorKind, type Problem } from '../domain/errors.js';

export interface ApiClient {
  readonly url: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown, idempotencyKey?: string): Promise<T>;
  remove<T>(path: string): Promise<T>;
  /** What is too long to be held, as it comes. */
  stream(path: string): AsyncIterable<Uint8Array>;
}

export interface ApiAddress {
  readonly url: string;
  readonly token: string | undefined;
}

/** Longer than the API itself waits for a statement of its database. */
const patience: Patience = { answerMs: 30_000, longMs: 300_000, silenceMs: 60_000 };

interface Patience {
  readonly answerMs: number;
  /** For what goes over all there is. */
  readonly longMs: number;
  /** Between two parts of an answer without an end. */
  readonly silenceMs: number;
}

const long: ReadonlySet<string> = new Set(['/v1/audit/verify', '/v1/declarations']);

export function openApi(where: ApiAddress, limits: Partial<Patience> = {}): ApiClient {
  const address = { ...where, ...patience, ...limits };
  return {
    url: address.url,
    get: (path) => call(address, path, { method: 'GET' }),
    remove: (path) => call(address, path, { method: 'DELETE' }),
    stream: (path) => streamed(address, path),
    post: (path, body, idempotencyKey) =>
      call(address, path, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        body: JSON.stringify(body ?? {}),
      }),
  };
}

interface Init {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

type Reached = ApiAddress & Patience;

function ask({ url, token }: Reached, path: string, init: Init): Promise<Response> {
  return reach(new URL(path, url), {
    ...init,
    redirect: 'error',
    headers: {
      accept: 'application/json',
      ...init.headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
}

/** However long it takes; given up where nothing comes for as long as any other call may take. */
async function* streamed(address: Reached, path: string): AsyncGenerator<Uint8Array> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(), address.silenceMs);
  try {
    const response = await ask(address, path, { method: 'GET', signal: silent.signal });
    if (!response.ok) throw toError(response.status, await response.json().catch(() => undefined));
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      timer.refresh();
      yield chunk;
    }
  } catch (error) {
    if (error instanceof RotorError) throw error;
    throw new RotorError('cut-off', 'the answer was cut off: what came of it is not whole', {
      kind: 'unavailable',
      hint: 'try again',
    });
  } finally {
    clearTimeout(timer);
  }
}

async function call<T>(address: Reached, path: string, init: Init): Promise<T> {
  const [route = ''] = path.split('?');
  const signal = AbortSignal.timeout(long.has(route) ? address.longMs : address.answerMs);
  const response = await ask(address, path, { ...init, signal });
  const body: unknown = await response.json().catch(() => undefined);
  if (body === undefined && signal.aborted) throw noAnswer(new URL(address.url));
  if (response.ok) return body as T;
  throw toError(response.status, body);
}

async function reach(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch {
    if (init.signal?.aborted === true) throw noAnswer(url);
    throw new RotorError('unreachable', `rotor's API does not answer at ${url.origin}`, {
      kind: 'unavailable',
      hint: `is it running (npm start)? ROTOR_URL says where; ${withoutRotor}`,
    });
  }
}

function noAnswer({ origin }: URL): RotorError {
  return new RotorError('no-answer', `rotor's API at ${origin} does not answer in time`, {
    kind: 'unavailable',
    hint: `it, or its database, hangs (docs/bad-days.md); what was asked for may be taken yet; ${withoutRotor}`,
  });
}

const kinds: Readonly<Record<number, ErrorKind>> = {
  401: 'denied',
  403: 'denied',
  404: 'missing',
  409: 'conflict',
  400: 'invalid',
  413: 'invalid',
  422: 'invalid',
  503: 'unavailable',
};

interface Told {
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly problems?: readonly Problem[];
}

function toError(status: number, body: unknown): RotorError {
  const told: Told = typeof body === 'object' && body !== null ? body : {};
  return new RotorError(told.code ?? 'failed', told.detail ?? `the API answered ${status}`, {
    kind: kinds[status] ?? 'failed',
    ...(told.hint === undefined ? {} : { hint: told.hint }),
    problems: told.problems ?? [],
  });
}

const withoutRotor = 'a leak does not wait: rotor contain SECRET --direct';

function demandHttp(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
  throw new RotorError('address-invalid', 'ROTOR_URL is no address of an API', {
    kind: 'invalid',
    hint: 'http:// or https://, such as https://rotor.example.org',
  });
}

/** `ROTOR_URL` and `ROTOR_TOKEN` or `ROTOR_TOKEN_FILE`; else what the local start left. */
export function addressFrom(
  environment: NodeJS.ProcessEnv,
  local: { readonly url?: string; readonly tokenFile?: string },
): ApiAddress {
  const url = environment['ROTOR_URL'] ?? local.url;
  if (url === undefined) {
    throw new RotorError(
      'no-address',
      'nothing says where rotor is: no ROTOR_URL, no local start',
      {
        kind: 'unavailable',
        hint: `npm start in this folder, or set ROTOR_URL; ${withoutRotor}`,
      },
    );
  }
  demandHttp(url);
  const file = environment['ROTOR_TOKEN_FILE'] ?? local.tokenFile;
  const token = environment['ROTOR_TOKEN'] ?? (file === undefined ? undefined : readToken(file));
  return { url, token };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new RotorError('no-token', `the token file ${file} cannot be read`, { kind: 'invalid' });
  }
}
