/** OpenBao's HTTP API as rotor may use it, by a token or an AppRole of its own; what it says in words stays behind. */
import { z } from 'zod';
import { AdapterError } from '../domain/errors.js';
import { openJsonApi, type JsonCall, type JsonReply } from './json-api.js';
import { openBaoLogin, type AppRoleFiles } from './openbao-login.js';

/** A path without slashes around it; URLs resolve segments of dots alone, which would lead elsewhere. */
export const BaoPath = z
  .string()
  .regex(/^[\w.@+=-]+(\/[\w.@+=-]+)*$/, 'expected a path such as team/app, without slashes around')
  .max(500)
  .refine((path) => !/(^|\/)\.+(\/|$)/.test(path), 'expected no part of dots alone');

/** Options that every kind at OpenBao has. */
export const baoAccess = {
  url: z.url({ protocol: /^https?$/ }).describe('where OpenBao is'),
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe('certificates (PEM) that its own is signed with; read with each call'),
  namespace: z.string().min(1).optional(),
  tokenFile: z.string().min(1).optional().describe("a file of mode 0600 with rotor's own token"),
  appRole: z
    .strictObject({
      roleIdFile: z.string().min(1).describe('a file of mode 0600, as the next'),
      secretIdFile: z.string().min(1),
      mount: BaoPath.default('approle').describe('where its auth method is'),
    })
    .optional()
    .describe('instead of tokenFile: rotor logs in, and again when its token has ended'),
};

export interface BaoAccess {
  readonly url: string;
  readonly caFile?: string | undefined;
  readonly namespace?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly appRole?: AppRoleFiles | undefined;
}

export function isOneLogin({ tokenFile, appRole }: BaoAccess): boolean {
  return (tokenFile === undefined) !== (appRole === undefined);
}

export const oneLogin = {
  path: ['tokenFile'],
  message: 'expected tokenFile or appRole, and not both',
};

export interface BaoCall extends Pick<JsonCall, 'signal'> {
  /** A PATCH is a merge: what it does not name stays. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'LIST';
  readonly path: string;
  readonly body?: object;
  /** What it means where it is not permitted; else the right that is missing is looked for. */
  readonly refusal?: string;
}

export interface Bao {
  /** Throws where it is away, sealed, or refuses rotor's token; 400, 404, 413 and 500 are the caller's to read. */
  ask(call: BaoCall): Promise<JsonReply>;
}

export function openBao(access: BaoAccess): Bao {
  const { url, caFile, namespace } = access;
  const api = openJsonApi({
    ...{ url, caFile, who: 'OpenBao' },
    reads: (status) => [500, 503].includes(status),
  });
  const spaced = namespace === undefined ? {} : { 'x-vault-namespace': namespace };
  const send = async ({ method, path, body, signal }: BaoCall, token?: string) => {
    const headers = {
      ...spaced,
      ...(token === undefined ? {} : { 'x-vault-token': token }),
      ...(method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}),
    };
    const sent = body === undefined ? {} : { body };
    const reply = await api.call({ method, path: `/v1/${path}`, headers, signal, ...sent });
    if (reply.status === 503) throw new AdapterError('unreachable', 'OpenBao is sealed');
    if (reply.status === 404 && !Missing.safeParse(reply.body).success) throw notOpenBao();
    return reply;
  };
  const login = openBaoLogin(access, (call) => send(call));
  return {
    ask: async (call) => {
      const token = await login.token(call.signal);
      const reply = await send(call, token);
      if (reply.status !== 403) return reply;
      // A token of rotor's login may have ended: once more with a new one.
      const next = await login.after(token, call.signal);
      const again = next === undefined ? reply : await send(call, next);
      if (again.status !== 403) return again;
      if (call.refusal !== undefined) throw new AdapterError('not-permitted', call.refusal);
      throw await notAllowed(call, (asked) => send(asked, next ?? token));
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

const verbs = {
  GET: ['read', 'read'],
  POST: ['write', 'create and update'],
  PUT: ['write', 'update'],
  PATCH: ['patch', 'patch'],
  DELETE: ['delete', 'delete'],
  LIST: ['list', 'list'],
} as const;

type Send = (call: BaoCall) => Promise<JsonReply>;

/** Whether the token is refused, or lacks one right: OpenBao answers both alike. */
async function notAllowed({ method, path, signal }: BaoCall, send: Send): Promise<AdapterError> {
  const [pathAlone = path] = path.split('?');
  const body = { paths: [pathAlone] };
  const asked = { method: 'POST', path: 'sys/capabilities-self', body, signal } as const;
  const { status } = await send(asked);
  const [verb, right] = verbs[method];
  const message =
    status === 200
      ? `rotor's token may not ${verb} ${pathAlone} (capability ${right})`
      : `rotor's token is not valid, or may not ${verb} ${pathAlone}`;
  return new AdapterError('not-permitted', message);
}

/** The data of an answer that has some. */
export function dataOf<T>(schema: z.ZodType<T>, { status, body }: JsonReply): T {
  const parsed = z.object({ data: schema }).safeParse(body);
  if (status === 200 && parsed.success) return parsed.data.data;
  if (status === 400) throw new AdapterError('refused', 'OpenBao refuses the request');
  if (status >= 500) throw new AdapterError('unreachable', `OpenBao failed (HTTP ${status})`);
  throw new AdapterError('bad-reply', 'the answer of OpenBao is not what was expected');
}

const Keys = z.object({ keys: z.array(z.string()) });

/** Of a list; none where there is nothing to list. */
export function keysOf(reply: JsonReply): readonly string[] {
  return reply.status === 404 ? [] : dataOf(Keys, reply).keys;
}
