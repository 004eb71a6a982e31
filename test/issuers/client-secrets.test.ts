import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify from 'fastify';
import { openRecorderPool } from '../../authority/recorder.js';
import { authorityRoutes } from '../../authority/routes.js';
import { clientSecrets, traits } from '../../issuers/client-secrets/index.js';
import {
  describeBrokenIssuers,
  describeIssuer,
  type PreparedIssuer,
} from '../contracts/hold-to-issuer.js';
import { openDatabase } from '../harness/database.js';

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
    issuer: clientSecrets.open({ url, adminTokenFile }, { installationId: installation }),
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

describeIssuer({ name: 'client secrets of the authority', traits }, prepare);
describeBrokenIssuers(prepare);
