/** OpenBao's HTTP API as rotor's own token may use it; what it says in words stays behind. */
import { z } from 'zod';
import { AdapterError } from '../domain/errors.js';
import { openJsonApi, type JsonReply } from './json-api.js';
import { readSecretFile } from './secret-file.js';

export interface BaoOptions {
  readonly url: string;
  readonly tokenFile: string;
  readonly namespace?: string | undefined;
}

export interface BaoCall {
  readonly method: 'GET' | 'POST' | 'LIST';
  readonly path: string;
  readonly body?: object;
}

export interface Bao {
  /** Throws where it is away, sealed, or refuses rotor's token; 400, 404 and 500 are the caller's to read. */
  ask(call: BaoCall): Promise<JsonReply>;
}

export function openBao({ url, tokenFile, namespace }: BaoOptions): Bao {
  const api = openJsonApi({ url, who: 'OpenBao', reads: (status) => [500, 503].includes(status) });
  return {
    ask: async ({ method, path, body }) => {
      const headers = {
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        // Read each time: whoever changes the file changes what is used next.
        'x-vault-token': readSecretFile(tokenFile).reveal(),
      };
      const sent = body === undefined ? {} : { body };
      const reply = await api.call({ method, path: `/v1/${path}`, headers, ...sent });
      if (reply.status === 503) throw new AdapterError('unreachable', 'OpenBao is sealed');
      if (reply.status === 404 && !Missing.safeParse(reply.body).success) throw notOpenBao();
      if (reply.status === 403) throw notAllowed({ method, path });
      return reply;
    },
  };
}

/** What is not there, and what was destroyed: anybody's 404 would count as gone otherwise. */
const Missing = z.union([
  z.object({ errors: z.array(z.string()) }),
  z.object({ data: z.record(z.string(), z.unknown()) }),
]);

function notOpenBao(): AdapterError {
  return new AdapterError('bad-reply', 'what answers there is not OpenBao: is url right?');
}

const verbs = { GET: 'read', POST: 'write', LIST: 'list' } as const;

function notAllowed({ method, path }: Pick<BaoCall, 'method' | 'path'>): AdapterError {
  const message = `rotor's token is not valid, or may not ${verbs[method]} ${path}`;
  return new AdapterError('not-permitted', message);
}

/** The data of an answer that has some. */
export function dataOf<T>(schema: z.ZodType<T>, { status, body }: JsonReply): T {
  const parsed = z.object({ data: schema }).safeParse(body);
  if (status === 200 && parsed.success) return parsed.data.data;
  if (status === 400) throw new AdapterError('refused', 'OpenBao refuses the request');
  throw new AdapterError('bad-reply', 'the answer of OpenBao is not what was expected');
}

const Keys = z.object({ keys: z.array(z.string()) });

/** Of a list; none where there is nothing to list. */
export function keysOf(reply: JsonReply): readonly string[] {
  return reply.status === 404 ? [] : dataOf(Keys, reply).keys;
}
