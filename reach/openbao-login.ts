/** rotor's own token at OpenBao: from a file, or by a login with an AppRole whose files are read each time. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AdapterError } from '../domain/errors.js';
import type { JsonReply } from './json-api.js';
import { readSecretFile } from './secret-file.js';

export interface BaoLogin {
  token(signal: AbortSignal | undefined): Promise<string>;
  /** Another than the one that was refused; undefined where there can be none. */
  after(refused: string, signal: AbortSignal | undefined): Promise<string | undefined>;
}

export interface AppRoleFiles {
  readonly roleIdFile: string;
  readonly secretIdFile: string;
  readonly mount: string;
}

interface LoginFiles {
  readonly tokenFile?: string | undefined;
  readonly appRole?: AppRoleFiles | undefined;
}

interface LoginCall {
  readonly method: 'POST';
  readonly path: string;
  readonly body: object;
  readonly signal?: AbortSignal | undefined;
}

type Send = (call: LoginCall) => Promise<JsonReply>;

export function openBaoLogin({ tokenFile, appRole }: LoginFiles, send: Send): BaoLogin {
  if (appRole !== undefined) return byAppRole(appRole, send);
  if (tokenFile === undefined)
    throw new AdapterError('not-permitted', 'rotor has no token for OpenBao: tokenFile or appRole');
  return {
    // Read each time: whoever changes the file changes what is used next.
    token: () => Promise.resolve(readSecretFile(tokenFile).reveal()),
    after: () => Promise.resolve(undefined),
  };
}

/** Whoever needs a token while a login is under way waits for that one. */
function byAppRole(files: AppRoleFiles, send: Send): BaoLogin {
  let held: { readonly token: string; readonly by: string } | undefined;
  let underWay: Promise<string> | undefined;
  const login = (signal: AbortSignal | undefined): Promise<string> => {
    underWay ??= logIn(files, (call) => send({ ...call, signal })).finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  const renew = async (signal: AbortSignal | undefined): Promise<string> => {
    const by = contentOf(files);
    const token = await login(signal);
    held = { token, by };
    return token;
  };
  return {
    // Whoever changes the files changes what is used next, though the token of the old ones may live for long.
    token: async (signal) => (held?.by === contentOf(files) ? held.token : renew(signal)),
    after: async (refused, signal) =>
      held === undefined || held.token === refused ? renew(signal) : held.token,
  };
}

function contentOf({ roleIdFile, secretIdFile }: AppRoleFiles): string {
  const texts = [roleIdFile, secretIdFile].map((file) => readSecretFile(file).reveal());
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex');
}

const Login = z.object({ auth: z.object({ client_token: z.string().min(1) }) });

async function logIn(
  { roleIdFile, secretIdFile, mount }: AppRoleFiles,
  send: Send,
): Promise<string> {
  const body = {
    role_id: readSecretFile(roleIdFile).reveal(),
    secret_id: readSecretFile(secretIdFile).reveal(),
  };
  const reply = await send({ method: 'POST', path: `auth/${mount}/login`, body });
  const parsed = Login.safeParse(reply.body);
  if (reply.status === 200 && parsed.success) return parsed.data.auth.client_token;
  if (reply.status >= 500)
    throw new AdapterError('unreachable', `OpenBao failed (HTTP ${reply.status})`);
  throw new AdapterError(
    'not-permitted',
    `OpenBao refuses rotor's login at auth/${mount}: do ${roleIdFile} and ${secretIdFile} fit?`,
  );
}
