import { createHmac, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ensureClient, mintCredential, revokeCredential } from '../../authority/credentials.js';
import { clientSecrets } from '../../issuers/client-secrets/index.js';
import {
  describeBrokenIssuers,
  describeIssuer,
  type PreparedIssuer,
} from '../contracts/hold-to-issuer.js';
import { adminToken, hashKey, serve } from '../authority/served.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { contextOf } from './context.js';

/** One authority for all subjects: each has a client of its own. */
let database: TestDatabase;
let authority: Awaited<ReturnType<typeof serve>>;
let folder: string;
beforeAll(async () => {
  database = await openDatabase();
  authority = await serve(database);
  folder = mkdtempSync(join(tmpdir(), 'rotor-authority-'));
  writeFileSync(join(folder, 'token'), adminToken, { mode: 0o600 });
});
afterAll(async () => {
  await authority.close();
  await database.close();
  rmSync(folder, { recursive: true });
});

async function asAdministrator<T>(path: string, body: object): Promise<T> {
  const response = await fetch(`${authority.url}/authority/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

async function prepare(): Promise<PreparedIssuer> {
  const { url } = authority;
  const adminTokenFile = join(folder, 'token');
  const client = { secretKey: randomUUID(), name: 'acme/api' };
  const { clientId } = await asAdministrator<{ clientId: string }>('/clients', client);
  const installation = randomUUID();
  return {
    issuer: clientSecrets.open({ url, adminTokenFile }, contextOf(installation)),
    installation,
    secret: {
      secretId: randomUUID(),
      name: 'acme/api',
      specification: { role: 'Viewer', clientId },
    },
    use: async (value, userAgent) => {
      const response = await fetch(`${url}/oauth/token`, {
        method: 'POST',
        headers: { 'user-agent': userAgent },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: value,
        }),
      });
      await response.arrayBuffer();
      return response.ok;
    },
    plant: async () => {
      const { credentialId } = await asAdministrator<{ credentialId: string }>(
        `/clients/${clientId}/credentials`,
        {
          role: 'Viewer',
          tag: `${randomUUID()}/${randomUUID()}`,
          expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
        },
      );
      return credentialId;
    },
    close: () => Promise.resolve(),
  };
}

const traits = clientSecrets.traits({ url: 'https://authority.example', adminTokenFile: '/token' });
describeIssuer({ name: 'client secrets of the authority', traits }, prepare);
describeBrokenIssuers(prepare);

test('a client that the specification names and the authority does not have is no failure that passes', async () => {
  const { issuer, secret } = await prepare();
  const specification = { ...secret.specification, clientId: 'none-such' };
  const versionId = randomUUID();
  const wanted = { secret: { ...secret, specification }, versionId, expiresAt: undefined };
  await expect(issuer.mint({ ...wanted, tag: `here/${versionId}` })).rejects.toMatchObject({
    ...{ code: 'not-found', message: 'the authority has no client none-such (clientId)' },
  });
});

test('an admin token that others may read is not used, and the file is read each time', async () => {
  const { issuer, secret } = await prepare();
  const file = join(folder, 'token');
  chmodSync(file, 0o644);
  const refused = { code: 'not-permitted', message: expect.stringContaining('chmod 600') };
  await expect(issuer.list(secret)).rejects.toMatchObject(refused);
  chmodSync(file, 0o600);
  expect(await issuer.list(secret)).toEqual([]);
});

describe('a probe', () => {
  const made = async () => {
    const clientId = await ensureClient(database.pool, { secretKey: randomUUID(), name: 'acme' });
    const expiresAt = new Date(Date.now() + 60_000);
    const wanted = { clientId, role: 'Viewer', tag: undefined, expiresAt };
    const minted = await mintCredential(database.pool, hashKey, wanted);
    if (minted === undefined) throw new Error('the client is missing');
    return { clientId, ...minted };
  };
  const login = async ({ clientId, value = '' }: Awaited<ReturnType<typeof made>>, probe = '') => {
    const client = { client_id: clientId, client_secret: value };
    const response = await fetch(`${authority.url}/oauth/token`, {
      method: 'POST',
      headers: probe === '' ? {} : { 'rotor-probe': probe },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...client }),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const usesOf = async (clientId: string): Promise<number> => {
    const { rows } = await database.pool.query<{ count: string }>(
      `select u.count from authority.uses u join authority.credentials c on c.id = u.credential_id
       where c.client_id = $1`,
      [clientId],
    );
    return rows.reduce((sum, { count }) => sum + Number(count), 0);
  };
  const signed = (mark: string) =>
    `${mark}.${createHmac('sha256', adminToken).update(mark).digest('hex')}`;
  const ordinary = { access_token: expect.any(String), token_type: 'Bearer', expires_in: 600 };

  test('learns whose value it was, once, and is no use; whoever else asks learns nothing', async () => {
    const credential = await made();
    const { clientId, credentialId } = credential;
    const once = signed(randomUUID());
    const named = { probe: 'accepted', credential_id: credentialId };
    expect(await login(credential, once)).toEqual(named);
    expect(await usesOf(clientId)).toBe(0);
    const forged = `${randomUUID()}.${'0'.repeat(64)}`;
    for (const probe of ['', once, forged]) {
      expect(await login(credential, probe)).toEqual(ordinary);
    }
    expect(await usesOf(clientId)).toBe(3);
  });

  test('of a refused value learns nothing', async () => {
    const credential = await made();
    await revokeCredential(database.pool, { ...credential, tag: undefined });
    const refused = { error: 'invalid_client' };
    expect(await login(credential, signed(randomUUID()))).toEqual(refused);
  });
});
