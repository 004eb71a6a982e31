/** An AppRole of its own on an OpenBao, and programs that log in with its secret-ids. */
import { randomBytes, randomUUID } from 'node:crypto';
import { openbaoApprole } from '../../issuers/openbao-approle/index.js';
import type { PreparedIssuer } from '../contracts/hold-to-issuer.js';
import type { AddressOf } from '../targets/index.js';
import { readCredential } from '../targets/serving.js';
import { contextOf } from './context.js';

export interface BaoAnswer {
  readonly status: number;
  readonly body: {
    readonly data?: Record<string, unknown>;
    readonly auth?: { client_token: string };
  };
}

export interface PreparedBao extends PreparedIssuer {
  readonly role: string;
  readonly options: object;
  /** As the administrator. */
  ask(method: string, path: string, body?: object): Promise<BaoAnswer>;
  /** The token that a program gets; undefined where it is refused. */
  logIn(value: string): Promise<string | undefined>;
}

export async function prepareBao(
  server: AddressOf<'openbao'>,
  record: 'audited' | 'sampled',
): Promise<PreparedBao> {
  const installation = randomUUID();
  const role = `svc-${randomBytes(6).toString('hex')}`;
  const ask = async (method: string, path: string, body?: object): Promise<BaoAnswer> => {
    const response = await fetch(`${server.url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': readCredential(server.tokenFile) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? {} : JSON.parse(text)) as BaoAnswer['body'],
    };
  };
  // There already where a test before came here.
  await ask('POST', 'sys/auth/approle', { type: 'approle' });
  await ask('POST', `auth/approle/role/${role}`, { token_ttl: '20m', token_max_ttl: '1h' });
  const { body } = await ask('GET', `auth/approle/role/${role}/role-id`);
  const logIn = async (secretId: string): Promise<string | undefined> => {
    const login = { role_id: body.data?.['role_id'], secret_id: secretId };
    return (await ask('POST', 'auth/approle/login', login)).body.auth?.client_token;
  };
  const audit = record === 'audited' ? { audit: { file: server.auditFile, device: 'main' } } : {};
  const options = { url: server.url, tokenFile: server.tokenFile, ...audit };
  return {
    issuer: openbaoApprole.open(openbaoApprole.options.parse(options), contextOf(installation)),
    installation,
    role,
    options,
    ask,
    logIn,
    secret: { secretId: randomUUID(), name: 'acme/vault', specification: { role } },
    use: async (value) => (await logIn(value)) !== undefined,
    plant: async () => {
      const metadata = JSON.stringify({ rotor: `${randomUUID()}/${randomUUID()}` });
      const made = await ask('POST', `auth/approle/role/${role}/secret-id`, { metadata });
      return String(made.body.data?.['secret_id_accessor']);
    },
    close: async () => {
      await ask('DELETE', `auth/approle/role/${role}`);
    },
  };
}
