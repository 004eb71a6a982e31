import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fastify from 'fastify';
import { ensureClient, mintCredential, revokeCredential } from '../../authority/credentials.js';
import { openRecorderPool } from '../../authority/recorder.js';
import { authorityRoutes } from '../../authority/routes.js';
import { clientSecrets } from '../../issuers/client-secrets/index.js';
import {
  describeBrokenIssuers,
  describeIssuer,
  type PreparedIssuer,
} from '../contracts/hold-to-issuer.js';
import { adminToken, hashKey, serve } from '../authority/served.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { contextOf } from './context.js';

async function prepare(): Promise<PreparedIssuer> {
  const database = await openDatabase();
  const recorderPool = openRecorderPool(database.url);
  const adminToken = randomBytes(16).toString('hex');
  const folder = mkdtempSync(join(tmpdir(), 'rotor-authority-'));
  const adminTokenFile = join(folder, 'token');
  writeFileSync(adminTokenFile, adminToken, { mode: 0o600 });
  const server = fastify();
  const hashKey = randomBytes(32);
  const { pool } = database;
  await server.register(authorityRoutes({ pool, recorderPool, hashKey, adminToken }));
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${url}/authority/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as T;
  };
  const client = { secretKey: randomUUID(), name: 'acme/api' };
  const { clientId } = await post<{ clientId: string }>('/clients', client);
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
      const { credentialId } = await post<{ credentialId: string }>(
        `/clients/${clientId}/credentials`,
        {
          role: 'Viewer',
          tag: `${randomUUID()}/${randomUUID()}`,
          expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
        },
      );
      return credentialId;
    },
    close: async () => {
      await server.close();
      await recorderPool.end();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const traits = clientSecrets.traits({ url: 'https://authority.example', adminTokenFile: '/token' });
describeIssuer({ name: 'client secrets of the authority', traits }, prepare);
describeBrokenIssuers(prepare);

describe('a probe', () => {
  let database: TestDatabase;
  let served: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    database = await openDatabase();
    served = await serve(database);
  });
  afterAll(async () => {
    await served.close();
    await database.close();
  });

  const made = async () => {
    const clientId = await ensureClient(database.pool, { secretKey: randomUUID(), name: 'acme' });
    const expiresAt = new Date(Date.now() + 60_000);
    const wanted = { clientId, role: 'Viewer', tag: undefined, expiresAt };
    return { clientId, ...(await mintCredential(database.pool, hashKey, wanted)) };
  };
  const login = async ({ clientId, value = '' }: Awaited<ReturnType<typeof made>>, probe = '') => {
    const client = { client_id: clientId, client_secret: value };
    const response = await fetch(`${served.url}/oauth/token`, {
      method: 'POST',
      headers: probe === '' ? {} : { 'rotor-probe': probe },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...client }),
    });
    return (await response.json()) as Record<string, unknown>;
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
    const { rows: none } = await database.pool.query('select 1 from authority.uses');
    expect(none).toEqual([]);
    const forged = `${randomUUID()}.${'0'.repeat(64)}`;
    for (const probe of ['', once, forged]) {
      expect(await login(credential, probe)).toEqual(ordinary);
    }
    const { rows } = await database.pool.query<{ count: string }>(
      `select u.count from authority.uses u join authority.credentials c on c.id = u.credential_id
       where c.client_id = $1`,
      [clientId],
    );
    expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).toBe(3);
  });

  test('of a refused value learns nothing', async () => {
    const credential = await made();
    await revokeCredential(database.pool, { ...credential, tag: undefined });
    const refused = { error: 'invalid_client' };
    expect(await login(credential, signed(randomUUID()))).toEqual(refused);
  });
});
