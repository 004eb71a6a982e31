/** A realm of its own on a Keycloak, with or without a rotation policy; clients in it, and programs that log in as them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keycloakClientSecret } from '../../issuers/keycloak-client-secret/index.js';
import type { PreparedIssuer } from '../contracts/hold-to-issuer.js';
import type { AddressOf } from '../targets/index.js';
import { readCredential } from '../targets/serving.js';
import { contextOf } from './context.js';

type Server = AddressOf<'keycloak'>;

export interface KeycloakAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface PreparedRealm {
  readonly realm: string;
  readonly options: object;
  /** As the administrator, below the realm. */
  ask(method: string, path: string, body?: object): Promise<KeycloakAnswer>;
  /** A file that rotor reads. */
  secretFile(name: string, text: string): string;
  /** Makes a client whose service account has these roles of realm-management. */
  administrator(clientId: string, roles: readonly string[]): Promise<string>;
  /** The status, and what Keycloak answers a program that asks for a token. */
  token(clientId: string, secret: string): Promise<KeycloakAnswer>;
  close(): Promise<void>;
}

type Found = Readonly<Record<string, unknown>>;

export async function prepareRealm(server: Server, rotates: boolean): Promise<PreparedRealm> {
  const realm = `realm-${randomBytes(6).toString('hex')}`;
  const folder = mkdtempSync(join(tmpdir(), 'rotor-keycloak-'));
  const ask = asAdministrator(server, `/admin/realms/${realm}`);
  await asAdministrator(server, '/admin/realms')('POST', '', { realm, enabled: true });
  if (rotates) await addPolicy(ask);
  const secretFile = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const administrator = async (clientId: string, roles: readonly string[]): Promise<string> => {
    const secret = randomBytes(16).toString('hex');
    await ask('POST', '/clients', { clientId, secret, serviceAccountsEnabled: true });
    const [own, management] = [await idOf(ask, clientId), await idOf(ask, 'realm-management')];
    const { body } = await ask('GET', `/clients/${own}/service-account-user`);
    const account = String((body as Found)['id']);
    for (const role of roles) {
      const found = await ask('GET', `/clients/${management}/roles/${role}`);
      const path = `/users/${account}/role-mappings/clients/${management}`;
      await ask('POST', path, [found.body]);
    }
    return secretFile(clientId, secret);
  };
  const file = await administrator('rotor', ['manage-clients', 'view-realm']);
  return {
    realm,
    options: {
      url: server.url,
      realm,
      login: { clientId: 'rotor', secretFile: file },
      rotationPolicy: rotates,
    },
    ask,
    secretFile,
    administrator,
    token: (clientId, secret) =>
      answerOf(
        fetch(`${server.url}/realms/${realm}/protocol/openid-connect/token`, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: clientId,
            client_secret: secret,
          }),
        }),
      ),
    close: async () => {
      await ask('DELETE', '');
      rmSync(folder, { recursive: true });
    },
  };
}

/** Its token lives for a minute; a login takes longer than most calls. */
const heldMs = 30_000;

function asAdministrator(server: Server, base: string): PreparedRealm['ask'] {
  let held: { readonly token: string; readonly until: number } | undefined;
  const bearer = async (): Promise<string> => {
    if (held !== undefined && held.until > Date.now()) return held.token;
    const login = new URLSearchParams({
      grant_type: 'password',
      client_id: 'admin-cli',
      username: server.user,
      password: readCredential(server.passwordFile),
    });
    const url = `${server.url}/realms/${server.realm}/protocol/openid-connect/token`;
    const { body } = await answerOf(fetch(url, { method: 'POST', body: login }));
    held = { token: String((body as Found)['access_token']), until: Date.now() + heldMs };
    return held.token;
  };
  return async (method, path, body) => {
    const headers = {
      authorization: `Bearer ${await bearer()}`,
      'content-type': 'application/json',
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return answerOf(fetch(`${server.url}${base}${path}`, { method, headers, ...sent }));
  };
}

async function answerOf(request: Promise<Response>): Promise<KeycloakAnswer> {
  const response = await request;
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

export async function idOf(ask: PreparedRealm['ask'], clientId: string): Promise<string> {
  const { body } = await ask('GET', `/clients?clientId=${clientId}`);
  return String((body as Found[])[0]?.['id']);
}

async function addPolicy(ask: PreparedRealm['ask']): Promise<void> {
  const configuration = {
    'expiration-period': '864000',
    'rotated-expiration-period': '432000',
    'remaining-rotation-period': '86400',
  };
  const executors = [{ executor: 'secret-rotation', configuration }];
  await ask('PUT', '/client-policies/profiles', { profiles: [{ name: 'rotating', executors }] });
  const conditions = [
    {
      condition: 'client-access-type',
      configuration: { type: ['confidential'] },
    },
  ];
  const policy = { name: 'rotated', enabled: true, conditions, profiles: ['rotating'] };
  await ask('PUT', '/client-policies/policies', { policies: [policy] });
}

export interface PreparedClient extends PreparedIssuer {
  readonly clientId: string;
  /** Keycloak's own id of the client. */
  readonly id: string;
  /** What it was made with. */
  readonly first: string;
  open(options: object): PreparedIssuer['issuer'];
}

/** `empty`: nobody has its first secret, so that it counts for none. */
export async function prepareClient(
  { realm, options, ask, token }: PreparedRealm,
  { empty }: { readonly empty: boolean },
): Promise<PreparedClient> {
  const installation = randomUUID();
  const clientId = `app-${randomBytes(6).toString('hex')}`;
  const first = `first-${randomUUID()}`;
  await ask('POST', '/clients', { clientId, secret: first, serviceAccountsEnabled: true });
  const open = (changed: object, owner = installation) =>
    keycloakClientSecret.open(
      keycloakClientSecret.options.parse({ ...options, ...changed }),
      contextOf(owner),
    );
  const secret = {
    secretId: randomUUID(),
    name: `acme/${realm}`,
    specification: { clientId },
  };
  const issuer = open({});
  const end = async (): Promise<void> => {
    for (const { credentialId } of await issuer.list(secret))
      await issuer.revoke({ secret, versionId: 'first', credentialId, tag: undefined });
  };
  if (empty) await end();
  const id = await idOf(ask, clientId);
  return {
    issuer,
    installation,
    secret,
    clientId,
    id,
    first,
    open,
    use: async (value) => {
      const { status } = await token(clientId, value);
      if (status < 500) return status === 200;
      throw new Error(`Keycloak answered ${String(status)}`);
    },
    plant: async () => {
      await ask('POST', `/clients/${id}/client-secret`);
      return (await issuer.list(secret)).at(-1)?.credentialId ?? '';
    },
    close: async () => {
      await ask('DELETE', `/clients/${id}`);
    },
  };
}
