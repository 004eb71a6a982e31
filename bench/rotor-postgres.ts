/** rotor as its users run it, with secrets of the postgres issuer, each in the dotenv file of one dependent. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { parse } from 'dotenv';
import { secretWorkflowId } from '../domain/run.js';
import type { IssuedSecret, Issuer } from '../domain/issuer.js';
import { postgres } from '../issuers/postgres/index.js';
import { openInstallation, type Installation, type Row } from '../test/faults/installation.js';
import { handed } from '../test/harness/environment.js';
import { sharedTemporal } from '../test/harness/temporal.js';
import { contextOf } from '../test/issuers/context.js';

export interface RotorSecret {
  readonly name: string;
  /** The owner role of its logins. */
  readonly role: string;
  readonly file: string;
  /** What the dependent's file holds. */
  held(): string;
}

export interface Rotor {
  readonly installation: Installation;
  readonly secrets: readonly RotorSecret[];
  /** From the request to the end of its run. */
  rotate(secret: RotorSecret): Promise<void>;
  live(secret: RotorSecret): Promise<number>;
  /** The worker dies once at that point, and is started again at once. */
  killAt(point: string): void;
  /** The issuer by itself: what it does for a rotation, without all that rotor does around it. */
  readonly bare: Bare;
  close(): Promise<void>;
}

export interface Bare {
  /** A new login instead of the one that was made before for this number. */
  replace(number: number): Promise<void>;
}

const policy = {
  overlap: '0',
  quietPeriod: '0',
  disablePeriod: '0',
  monitorPeriod: '1m',
  openUse: { wait: '0', then: 'end' },
  timeouts: { prove: '20s' },
};
const policies = [
  { ...policy, name: 'written', leastEvidence: 'read-back' },
  { ...policy, name: 'seen', leastEvidence: 'observed' },
];

/** The first one moves when its program was seen to log in, all others when their file was read back. */
export async function openRotor(count: number): Promise<Rotor> {
  let options: object = {};
  const installation = await openInstallation((ownerUrl, folder) => {
    const adminUrlFile = join(folder, 'admin-url');
    writeFileSync(adminUrlFile, ownerUrl, { mode: 0o600 });
    options = { adminUrlFile, connectionLogFile: handed('ROTOR_TEST_POSTGRES_LOG') };
    return { database: { kind: 'postgres', ...options } };
  });
  const { ownerPool, ownerUrl } = installation.database;
  const database = new URL(ownerUrl).pathname.slice(1);
  const prefix = `bench-${randomBytes(4).toString('hex')}`;
  const secrets = Array.from({ length: count }, (_, index): RotorSecret => {
    const file = join(installation.folder, `${String(index)}.env`);
    writeFileSync(file, 'DATABASE_URL=\n');
    const held = (): string => parse(readFileSync(file, 'utf8'))['DATABASE_URL'] ?? '';
    const name = `${prefix}-${String(index)}`;
    return { name, role: name.replaceAll('-', '_'), file, held };
  });
  for (const { role } of secrets) await ownerPool.query(`create role ${role} nologin`);
  installation.start('api');
  let worker = installation.start('worker');
  await installation.ready();
  await installation.apply(declaration(secrets, database));
  const connection = await Connection.connect({ address: sharedTemporal().address });
  const client = new Client({ connection, namespace: sharedTemporal().namespace });
  const issuer = postgres.open(postgres.options.parse(options), contextOf(randomUUID()));
  return {
    installation,
    secrets,
    rotate: (secret) => rotate(installation, client, secret),
    live: async ({ name }) => {
      const { versions } = await installation.api.get<{ versions: Row[] }>(secretPath(name));
      return versions.filter(({ state }) => !['revoked', 'ended'].includes(String(state))).length;
    },
    killAt: (point) => {
      installation.killAt(point);
      worker.once('exit', () => (worker = installation.start('worker')));
    },
    bare: bareOf(issuer, (number) => ({
      secretId: randomUUID(),
      name: 'acme/bare',
      specification: { ownerRole: secrets[number]?.role ?? '', database },
    })),
    close: async () => {
      worker.removeAllListeners('exit');
      await connection.close();
      await ownerPool.query(
        `do $$ declare r text; begin for r in select rolname from pg_roles where rolname like '${prefix.replace('-', '_')}%' order by length(rolname) desc
         loop execute format('drop owned by %I; drop role %I', r, r); end loop; end $$`,
      );
      await installation.close();
    },
  };
}

const secretPath = (name: string): string => `/v1/secrets/acme/${name}`;

async function rotate({ api }: Installation, client: Client, { name }: RotorSecret): Promise<void> {
  const { secretId } = await api.get<{ secretId: string }>(secretPath(name));
  await api.post(`${secretPath(name)}/runs`, { kind: 'rotate', reason: 'bench' });
  const outcome: unknown = await client.workflow.getHandle(secretWorkflowId(secretId)).result();
  if (outcome !== 'succeeded') throw new Error(`the rotation ${String(outcome)}`);
}

function bareOf(issuer: Issuer, secretOf: (number: number) => IssuedSecret): Bare {
  const made = new Map<number, { versionId: string; credentialId: string; tag: string }>();
  return {
    replace: async (number) => {
      const secret = secretOf(number);
      const versionId = randomUUID();
      const tag = `${randomUUID()}/${versionId}`;
      const { credentialId } = await issuer.mint({ secret, versionId, tag, expiresAt: undefined });
      const before = made.get(number);
      if (before !== undefined) await issuer.revoke({ secret, ...before });
      made.set(number, { versionId, credentialId, tag });
    },
  };
}

function declaration(secrets: readonly RotorSecret[], database: string): object {
  return {
    organization: 'acme',
    policies,
    dependents: secrets.map(({ name }) => ({ name, owner: 'team' })),
    secrets: secrets.map(({ name, role, file }, index) => ({
      name,
      issuer: 'database',
      owner: 'team',
      policy: index === 0 ? 'seen' : 'written',
      specification: { ownerRole: role, database },
      dependencies: [
        {
          dependent: name,
          connector: 'dotenv',
          destination: { file, variable: 'DATABASE_URL' },
          seenAs: { name },
          picksUpWithin: '0',
        },
      ],
    })),
  };
}
