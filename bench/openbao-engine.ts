/** OpenBao's database engine with static roles on the shared PostgreSQL; what it is asked is what its users ask. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { ownTarget, type OwnTarget } from '../test/targets/client.js';
import { readCredential } from '../test/targets/serving.js';

export interface Engine {
  readonly server: OwnTarget<'openbao'>;
  /** As many static roles as were asked for, by name. */
  readonly roles: readonly string[];
  /** Resolves when OpenBao has answered: the password is another one. */
  rotate(role: string): Promise<void>;
  /** The connection URL that a program makes of what OpenBao hands out. */
  url(role: string): Promise<string>;
  close(): Promise<void>;
}

/** As many connections as there may be calls at once: its default of 4 would be measured otherwise. */
const connections = 16;

export async function openEngine(ownerUrl: string, owner: pg.Pool, count: number): Promise<Engine> {
  const server = await ownTarget('openbao');
  const { tokenFile, url } = server.address;
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': readCredential(tokenFile) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`OpenBao answered ${String(response.status)} to ${path}`);
    return text === '' ? {} : JSON.parse(text);
  };
  await ask('POST', 'sys/mounts/database', { type: 'database' });
  await ask('POST', 'database/config/bench', configuration(ownerUrl));
  const prefix = `static_${randomBytes(4).toString('hex')}`;
  const roles = Array.from({ length: count }, (_, index) => `${prefix}_${String(index)}`);
  for (const role of roles) {
    await owner.query(`create role ${role} login`);
    const about = { db_name: 'bench', username: role, rotation_period: '24h' };
    await ask('POST', `database/static-roles/${role}`, about);
  }
  return {
    server,
    roles,
    rotate: async (role) => void (await ask('POST', `database/rotate-role/${role}`)),
    url: async (role) => {
      const { data } = (await ask('GET', `database/static-creds/${role}`)) as {
        data: { password: string };
      };
      return urlOf(ownerUrl, role, data.password);
    },
    close: async () => {
      await server.stop();
      for (const role of roles) await owner.query(`drop role ${role}`);
    },
  };
}

function configuration(ownerUrl: string): object {
  const { host, pathname, username, password } = new URL(ownerUrl);
  return {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: '*',
    connection_url: `postgresql://{{username}}:{{password}}@${host}${pathname}?sslmode=disable`,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    password_authentication: 'scram-sha-256',
    max_open_connections: connections,
    max_idle_connections: connections,
  };
}

function urlOf(ownerUrl: string, role: string, password: string): string {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = encodeURIComponent(password);
  return url.href;
}
