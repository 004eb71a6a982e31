/** HTTP client of the authority's administration: bounded in time and size, errors reduced to codes. */
import { readFileSync } from 'node:fs';
import { AdapterError } from '../../domain/errors.js';

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export interface AuthorityClient {
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Reply>;
  /** One attempt to get a token: what was answered, undefined where it was refused. */
  login(clientId: string, secret: string, probe: string): Promise<Reply | undefined>;
  readonly adminToken: string;
}

const timeoutMs = 5_000;
const largestReply = 16 * 1024 * 1024;

export function openAuthorityClient(url: string, adminTokenFile: string): AuthorityClient {
  const adminToken = readToken(adminTokenFile);
  const base = new URL(url);
  return {
    adminToken,
    call: async (method, path, body) => {
      const response = await reach(new URL(`/authority/v1${path}`, base), {
        method,
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
        ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
      });
      refuseFaults(response);
      return { status: response.status, body: await readJson(response) };
    },
    login: async (clientId, secret, probe) => {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: secret,
      });
      const response = await reach(new URL('/oauth/token', base), {
        method: 'POST',
        headers: { 'rotor-probe': probe, 'user-agent': 'rotor' },
        body: form,
      });
      if (response.ok) return { status: response.status, body: await readJson(response) };
      await response.body?.cancel();
      if (response.status === 400 || response.status === 401) return undefined;
      refuseFaults(response);
      throw new AdapterError('bad-reply', 'the authority answered in an unknown way');
    },
  };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new AdapterError(
      'not-permitted',
      "the file of the authority's admin token cannot be read",
    );
  }
}

async function reach(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw new AdapterError('timed-out', 'the authority did not answer in time');
    }
    throw new AdapterError('unreachable', 'the authority cannot be reached');
  }
}

function refuseFaults(response: Response): void {
  if (response.status === 401 || response.status === 403) {
    throw new AdapterError('not-permitted', "the authority refuses rotor's admin token");
  }
  if (response.status === 429) {
    const seconds = Number(response.headers.get('retry-after') ?? 1);
    throw new AdapterError('busy', 'the authority asks to come back later', seconds * 1_000);
  }
  if (response.status >= 500) throw new AdapterError('unreachable', 'the authority failed');
}

async function readJson(response: Response): Promise<unknown> {
  try {
    const text = await response.text();
    if (text.length > largestReply) throw new RangeError('too large');
    return JSON.parse(text);
  } catch {
    throw new AdapterError('bad-reply', "the authority's answer cannot be read");
  }
}
