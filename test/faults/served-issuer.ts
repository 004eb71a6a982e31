/** A test issuer that outlives the processes that use it: served from the test, asked over HTTP. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { AdapterError, CredentialRefused, type AdapterErrorCode } from '../../domain/errors.js';
import type { Issuer, IssuerTraits } from '../../domain/issuer.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { TestIssuer } from '../issuers/test-issuer.js';

type Call = (...args: unknown[]) => Promise<unknown>;

interface Asked {
  /** Undefined: who are you? */
  readonly method?: string;
  readonly args?: readonly unknown[];
}

interface Description {
  readonly traits: IssuerTraits;
  readonly methods: readonly string[];
}

interface Failure {
  readonly code: AdapterErrorCode | 'credential-refused';
  readonly message: string;
  readonly retryAfterMs?: number;
}

type Reply = { readonly result?: unknown } | { readonly failure: Failure };

const methods = ['mint', 'verify', 'revoke', 'list', 'disable', 'enable', 'observedUse'] as const;

export interface ServedIssuer {
  readonly url: string;
  /** Credentials that lived once and do not any more. */
  ended(): string[];
  close(): Promise<void>;
}

export async function serveIssuer(issuer: TestIssuer): Promise<ServedIssuer> {
  const lived = new Set<string>();
  const look = (): void => [...issuer.live.keys()].forEach((id) => lived.add(id));
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      look();
      const reply = await answer(issuer, unpack(body) as Asked);
      look();
      response.end(pack(reply));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port ?? 0}`,
    ended: () => [...lived].filter((id) => !issuer.live.has(id)),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(issuer: TestIssuer, { method, args = [] }: Asked): Promise<Reply> {
  const calls = issuer as unknown as Readonly<Record<string, Call | undefined>>;
  const call = method === undefined ? undefined : calls[method];
  if (call === undefined) {
    const there = methods.filter((name) => calls[name] !== undefined);
    return { result: { traits: issuer.traits, methods: there } satisfies Description };
  }
  try {
    return { result: await call(...args) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof CredentialRefused)
    return { code: 'credential-refused', message: error.message };
  if (!(error instanceof AdapterError)) throw error;
  const { code, message, retryAfterMs } = error;
  return { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** The issuer that is served there, for another process. */
export async function issuerAt(url: string): Promise<Issuer> {
  const { traits, methods: there } = (await ask(url, {})) as Description;
  const calls = there.map((method) => [method, (...args: unknown[]) => ask(url, { method, args })]);
  return { kind: 'test', traits, ...Object.fromEntries(calls) } as Issuer;
}

async function ask(url: string, asked: Asked): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', body: pack(asked) });
  const reply = unpack(await response.text()) as Reply;
  if (!('failure' in reply)) return reply.result;
  const { code, message, retryAfterMs } = reply.failure;
  if (code === 'credential-refused') throw new CredentialRefused();
  throw new AdapterError(code, message, retryAfterMs);
}

/** JSON, in which moments and values stay what they are. */
function pack(whole: unknown): string {
  return JSON.stringify(whole, function (this: Record<string, unknown>, key, plain: unknown) {
    const one = this[key];
    if (one instanceof Date) return { moment: one.getTime() };
    if (one instanceof SecretValue) return { secret: one.reveal() };
    return plain;
  });
}

function unpack(packed: string): unknown {
  return JSON.parse(packed, (_key, one: unknown) => {
    if (typeof one !== 'object' || one === null) return one;
    if ('moment' in one) return new Date(Number(one.moment));
    if ('secret' in one && typeof one.secret === 'string') return new SecretValue(one.secret);
    return one;
  });
}
