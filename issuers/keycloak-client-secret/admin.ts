/** Keycloak's admin API as rotor's own login may use it: one token for many calls; what it says in words stays behind. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { openJsonApi, type JsonApi, type JsonReply } from '../../reach/json-api.js';
import { readSecretFile } from '../../reach/secret-file.js';

export type AdminLogin =
  | { readonly clientId: string; readonly secretFile: string }
  | { readonly user: string; readonly passwordFile: string };

export interface AdminOptions {
  readonly url: string;
  readonly realm: string;
  readonly loginRealm: string;
  readonly login: AdminLogin;
}

export interface AdminCall {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Below the realm; its parts are escaped already. */
  readonly path: string;
  readonly body?: object;
  /** The role of the client realm-management that it takes. */
  readonly right: 'manage-clients' | 'view-realm';
}

export interface Admin {
  readonly realm: string;
  /** Throws where it is away, has no such realm, or refuses rotor; 404 below the realm is the caller's to read. */
  ask(call: AdminCall): Promise<JsonReply>;
  /** A call of a client's own, without rotor's token. */
  asClient(path: string, form: Readonly<Record<string, string>>): Promise<JsonReply>;
}

interface Token {
  readonly text: string;
  readonly until: number;
}

/** Not used up to its last moment: it has to last for the call. */
const marginMs = 10_000;

export function openAdmin(options: AdminOptions): Admin {
  const { url, realm } = options;
  const api = openJsonApi({ url, who: 'Keycloak' });
  let held: Token | undefined;
  const bearer = async (): Promise<string> => {
    if (held === undefined || held.until < Date.now()) held = await logIn(api, options);
    return held.text;
  };
  const send = async ({ method, path, body }: AdminCall): Promise<JsonReply> => {
    const headers = { authorization: `Bearer ${await bearer()}` };
    const sent = body === undefined ? {} : { body };
    const below = `/admin/realms/${encodeURIComponent(realm)}${path}`;
    return api.call({ method, path: below, headers, ...sent });
  };
  const sendWithNewToken = (call: AdminCall): Promise<JsonReply> => {
    held = undefined;
    return send(call);
  };
  return {
    realm,
    ask: async (call) => {
      const first = await send(call);
      // It may have ended before its time: a restart, or somebody who ended all sessions.
      const reply = first.status === 401 ? await sendWithNewToken(call) : first;
      if (reply.status === 401) throw refusedLogin();
      if (reply.status === 403) throw missingRight(realm, call);
      return reply;
    },
    asClient: (path, form) =>
      api.call({
        method: 'POST',
        path: `${protocolOf(realm)}${path}`,
        body: new URLSearchParams(form),
      }),
  };
}

function protocolOf(realm: string): string {
  return `/realms/${encodeURIComponent(realm)}/protocol/openid-connect`;
}

function refusedLogin(): AdapterError {
  return new AdapterError('not-permitted', "Keycloak refuses rotor's own login");
}

function missingRight(realm: string, { right }: AdminCall): AdapterError {
  const message = `rotor's login lacks the role ${right} (of realm-management) in realm ${realm}`;
  return new AdapterError('not-permitted', message);
}

export function noRealm(realm: string): AdapterError {
  return new AdapterError('refused', `Keycloak has no realm ${realm}`);
}

const Granted = z.object({ access_token: z.string(), expires_in: z.number() });

async function logIn(api: JsonApi, { loginRealm, login }: AdminOptions): Promise<Token> {
  const path = `${protocolOf(loginRealm)}/token`;
  const asked = Date.now();
  const reply = await api.call({ method: 'POST', path, body: new URLSearchParams(formOf(login)) });
  const { status, body } = reply;
  if (status === 404) throw noRealm(loginRealm);
  if (status === 400 || status === 401 || status === 403) throw refusedLogin();
  const parsed = Granted.safeParse(body);
  if (status !== 200 || !parsed.success) throw unknownReply();
  const { access_token: text, expires_in: seconds } = parsed.data;
  return { text, until: asked + seconds * 1_000 - marginMs };
}

/** Read each time: whoever changes the file changes what is used next. */
function formOf(login: AdminLogin): Record<string, string> {
  if ('clientId' in login) {
    const secret = readSecretFile(login.secretFile).reveal();
    return { grant_type: 'client_credentials', client_id: login.clientId, client_secret: secret };
  }
  const password = readSecretFile(login.passwordFile).reveal();
  return { grant_type: 'password', client_id: 'admin-cli', username: login.user, password };
}

export function unknownReply(): AdapterError {
  return new AdapterError('bad-reply', 'the answer of Keycloak is not what was expected');
}

/** The body of an answer that has to be there: only a realm that is not there is 404. */
export function bodyOf<T>(schema: z.ZodType<T>, { status, body }: JsonReply, realm: string): T {
  if (status === 404) throw noRealm(realm);
  const parsed = schema.safeParse(body);
  if (status === 200 && parsed.success) return parsed.data;
  throw unknownReply();
}
