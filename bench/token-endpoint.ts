/** Token requests per second with the record of use on, and the same without it: what recording costs. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import fastify from 'fastify';
import { openRecorderPool } from '../authority/recorder.js';
import { authorityRoutes } from '../authority/routes.js';
import { openDatabase } from '../test/harness/database.js';
import type { Line } from './measure.js';

const seconds = 5;

export async function tokenEndpointBench(): Promise<Line[]> {
  const database = await openDatabase();
  const recorderPool = openRecorderPool(database.url);
  const adminToken = randomBytes(16).toString('hex');
  const server = fastify();
  const hashKey = randomBytes(32);
  await server.register(
    authorityRoutes({ pool: database.pool, recorderPool, hashKey, adminToken }),
  );
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  const target = await makeCredential(url, adminToken);
  const recording = await load(url, target);
  await database.ownerPool.query(withoutRecording);
  const bare = await load(url, target);
  await server.close();
  await recorderPool.end();
  await database.close();
  const share = Math.max(0, 1 - recording / bare);
  return [
    {
      what: 'token requests/s, recording',
      measured: recording.toFixed(0),
      goal: '≥ 1,000',
      met: recording >= 1_000,
    },
    {
      what: 'share of recording',
      measured: `${(share * 100).toFixed(0)} % (${bare.toFixed(0)}/s without)`,
      goal: 'known',
      met: true,
    },
  ];
}

/** The same look-up and decision, and nothing is written. */
const withoutRecording = `
create or replace function authority.attempt(attempts jsonb) returns table (index int, outcome text)
language sql as $$
  select a.index, case when c.id is null then 'unknown'
    when c.revoked_at is not null or c.expires_at <= clock_timestamp() or c.disabled_until > clock_timestamp()
    then 'refused' else 'accepted' end
  from jsonb_to_recordset(attempts) as a(index int, client_id text, hash text)
  left join authority.credentials c on c.hash = decode(a.hash, 'hex') and c.client_id = a.client_id
$$`;

interface Target {
  readonly clientId: string;
  readonly value: string;
}

async function makeCredential(url: string, adminToken: string): Promise<Target> {
  const post = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${url}/authority/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as T;
  };
  const { clientId } = await post<{ clientId: string }>('/clients', {
    secretKey: 'bench',
    name: 'bench',
  });
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const { value } = await post<{ value: string }>(`/clients/${clientId}/credentials`, {
    role: 'Viewer',
    expiresAt,
  });
  return { clientId, value };
}

/** The load comes from a process of its own; the credential goes there by its standard input. */
function load(url: string, target: Target): Promise<number> {
  const script = fileURLToPath(new URL('./load-process.js', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ url, seconds, ...target }));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  return new Promise((resolve) => {
    child.once('close', () => resolve(Number(output)));
  });
}
