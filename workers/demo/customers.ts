/** A PostgreSQL of somebody else's, whose logins rotor issues: it is up while rotor is down. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../infra/embedded/postgres.js';
import { removeState } from '../../infra/embedded/state.js';
import { ask } from './observer.js';

export const ownerRole = 'orders';
export const database = 'orders';

export interface Customers {
  /** As rotor.yaml names it. */
  readonly issuer: object;
  /** Login roles that act as the owner. */
  roles(): Promise<string[]>;
  close(): Promise<void>;
}

export async function startCustomers(stateFolder: string): Promise<Customers> {
  const folder = join(stateFolder, 'customers');
  mkdirSync(folder, { recursive: true });
  const server = await startPostgres({ stateFolder: folder, durable: false });
  const adminUrlFile = join(folder, 'admin-url');
  writeFileSync(adminUrlFile, server.ownerUrl, { mode: 0o600 });
  await ask(server.ownerUrl, `create role ${ownerRole} nologin`);
  await ask(server.ownerUrl, `create database ${database} owner ${ownerRole}`);
  return {
    issuer: { kind: 'postgres', adminUrlFile, connectionLogFile: server.log },
    roles: async () => {
      const rows = await ask<{ name: string }>(
        server.ownerUrl,
        `select r.rolname as name from pg_roles r join pg_auth_members m on m.member = r.oid
         join pg_roles o on o.oid = m.roleid where o.rolname = '${ownerRole}' and r.rolcanlogin`,
      );
      return rows.map(({ name }) => name);
    },
    close: async () => {
      await server.stop();
      removeState(folder);
    },
  };
}

/** One login, as whoever found the value would try it. */
export async function logsIn(url: string): Promise<boolean> {
  try {
    await ask(url, 'select 1');
    return true;
  } catch {
    return false;
  }
}
