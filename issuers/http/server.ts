/** The five requests to a server of one's own, checked both ways: what does not fit the protocol is refused. */
import { z } from 'zod';
import { AdapterError, type AdapterErrorCode } from '../../domain/errors.js';
import { openJsonApi, type JsonCall, type JsonReply } from '../../reach/json-api.js';
import { readSecretFile } from '../../reach/secret-file.js';
import {
  Description,
  ListReply,
  MintReply,
  UseReply,
  VerifyReply,
  type ListRequest,
  type MintRequest,
  type RevokeRequest,
  type Traits,
  type UseRequest,
  type VerifyRequest,
} from './protocol.js';

export interface ServerOptions {
  readonly url: string;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface OwnServer {
  describe(): Promise<Traits>;
  mint(
    versionId: string,
    request: z.input<typeof MintRequest>,
  ): Promise<z.output<typeof MintReply>>;
  list(request: z.input<typeof ListRequest>): Promise<z.output<typeof ListReply>>;
  verify(request: z.input<typeof VerifyRequest>): Promise<z.output<typeof VerifyReply>>;
  /** Gone already is success. */
  revoke(request: z.input<typeof RevokeRequest>): Promise<void>;
  use(request: z.input<typeof UseRequest>): Promise<z.output<typeof UseReply>>;
}

const who = 'the server';

export function openServer({ url, tokenFile, caFile, timeout }: ServerOptions): OwnServer {
  const api = openJsonApi({ url, who, timeoutMs: timeout, caFile });
  const ask = async (call: JsonCall): Promise<JsonReply> => {
    // Read each time: whoever changes the file changes what is used next.
    const token = tokenFile === undefined ? undefined : readSecretFile(tokenFile).reveal();
    const headers = token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
    const reply = await api.call({ ...call, ...headers });
    if (reply.status === 401 || reply.status === 403)
      throw new AdapterError('not-permitted', `${who} refuses rotor's token (tokenFile)`);
    return reply;
  };
  const post = (path: string, body: object) => ask({ method: 'POST', path, body });
  return {
    describe: async () => bodyOf(Description, await ask({ method: 'GET', path: '/' }), '/').traits,
    mint: async (versionId, body) => {
      const path = `/credentials/${encodeURIComponent(versionId)}`;
      const reply = await ask({ method: 'PUT', path, body });
      refuse(reply, {
        409: [
          'refused',
          `${who} has no room for another credential, or knows the version id with another value`,
        ],
      });
      return bodyOf(MintReply, reply, '/credentials');
    },
    list: async (body) => bodyOf(ListReply, await post('/list', body), '/list'),
    verify: async (body) => bodyOf(VerifyReply, await post('/verify', body), '/verify'),
    revoke: async (body) => {
      const reply = await post('/revoke', body);
      if (reply.status === 404) return;
      refuse(reply, { 409: ['not-ours', 'the credential carries another tag'] });
      bodyOf(z.unknown(), reply, '/revoke');
    },
    use: async (body) => bodyOf(UseReply, await post('/use', body), '/use'),
  };
}

function refuse(
  { status }: JsonReply,
  meanings: Readonly<Record<number, readonly [AdapterErrorCode, string]>>,
): void {
  const meaning = meanings[status];
  if (meaning !== undefined) throw new AdapterError(...meaning);
}

/** Where it does not fit, the place is told, and nothing of what stands there. */
function bodyOf<T>(schema: z.ZodType<T>, { status, body }: JsonReply, path: string): T {
  if (status === 400 || status === 422)
    throw new AdapterError(
      'refused',
      `${who} refuses what it is asked for (${path}, HTTP ${status})`,
    );
  if (status < 200 || status >= 300)
    throw new AdapterError('bad-reply', `${who} answers HTTP ${status} to ${path}`);
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map((issue) => issue.path.join('.') || 'the whole of it');
  const shown = [...new Set(places)].slice(0, 5).join(', ');
  throw new AdapterError(
    'bad-reply',
    `the answer of ${who} to ${path} is not of the protocol: ${shown}`,
  );
}
