/** KV mounts of a test's own on an OpenBao, as its administrator sees them. */
import { randomBytes } from 'node:crypto';
import { readCredential } from '../targets/serving.js';
import type { AddressOf } from '../targets/index.js';

export interface BaoReply {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly auth: Readonly<Record<string, unknown>>;
}

export interface BaoAdmin {
  readonly url: string;
  readonly tokenFile: string;
  ask(method: string, path: string, body?: object): Promise<BaoReply>;
  /** A new KV mount that is ready; under a name that is taken, the one that is there. */
  mount(version?: '1' | '2', named?: string): Promise<string>;
  /** A token that may do this alone. */
  tokenWith(policy: string): Promise<string>;
}

export function baoAdmin(
  { url, tokenFile }: Pick<AddressOf<'openbao'>, 'url' | 'tokenFile'>,
  namespace?: string,
): BaoAdmin {
  const ask: BaoAdmin['ask'] = async (method, path, body) => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: {
        'x-vault-token': readCredential(tokenFile),
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const { data, auth } = (text === '' ? {} : JSON.parse(text)) as Partial<BaoReply>;
    return { status: response.status, data: data ?? {}, auth: auth ?? {} };
  };
  const name = (): string => `rotor-${randomBytes(6).toString('hex')}`;
  return {
    url,
    tokenFile,
    ask,
    mount: async (version = '2', mount = name()) => {
      const made = { type: 'kv', options: { version } };
      await ask('POST', `sys/mounts/${mount}`, made);
      await upgraded(ask, `${mount}/config`);
      return mount;
    },
    tokenWith: async (policy) => {
      const made = name();
      await ask('POST', `sys/policies/acl/${made}`, { policy });
      const { auth } = await ask('POST', 'auth/token/create', { policies: [made] });
      return String(auth['client_token']);
    },
  };
}

/** A new mount of version 2 makes itself ready in the background, and refuses meanwhile. */
async function upgraded(ask: BaoAdmin['ask'], path: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { status } = await ask('GET', path);
    if (status === 200 || status === 404) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
