/** An installation whose Temporal is reached as Temporal Cloud is: by TLS, with a client certificate and an API key, both by file. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../infra/package-root.js';
import { certificateFor } from '../connectors/certificate.js';
import {
  end,
  eventually,
  openInstallation,
  openSecret,
  type Installation,
} from '../faults/installation.js';
import { openTemporalProxy, type TemporalProxy } from '../infra/temporal-proxy.js';

interface Check {
  readonly part: string;
  readonly fine: boolean;
  readonly told: string;
  readonly hint?: string;
}

const unauthenticated = 16;

let installation: Installation;
let proxy: TemporalProxy;
let access: Record<string, string>;

beforeAll(async () => {
  const rotor = certificateFor('rotor.test');
  proxy = await openTemporalProxy({
    clients: rotor.cert,
    refuses: ({ authorization }) =>
      authorization === 'Bearer key-of-rotor' ? undefined : unauthenticated,
  });
  installation = await openInstallation();
  const file = (name: string, text: string): string => {
    const path = join(installation.folder, name);
    writeFileSync(path, text);
    return path;
  };
  access = {
    TEMPORAL_ADDRESS: proxy.address,
    TEMPORAL_API_KEY_FILE: file('api-key', 'key-of-rotor\n'),
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem', proxy.certificate),
    TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.pem', rotor.cert),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file('client.key', rotor.key),
  };
});
afterAll(async () => {
  await installation.close();
  await proxy.close();
});

async function doctor(part: string): Promise<Check | undefined> {
  const checks = await installation.api.get<Check[]>('/v1/checks');
  return checks.find((check) => check.part === part);
}

/** What it said where it failed; empty where it was fine. */
function run(script: string, ...args: string[]): Promise<string> {
  const { database, environment } = installation;
  const owner = { DATABASE_OWNER_URL: database.ownerUrl };
  const env = { PATH: process.env['PATH'], ...environment, ...owner, ...access };
  const file = join(packageRoot(), 'dist', 'workers', script);
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { env }, (error, _, err) =>
      resolve(error === null ? '' : err || error.message),
    );
  });
}

test('setup, worker and API carry out a rotation, the key is on every call, and the worker is healthy', async () => {
  expect(await run('setup.js')).toBe('');
  const processes = (['worker', 'api'] as const).map((name) => installation.start(name, access));
  await installation.ready();
  const secret = await openSecret(installation, 'by-tls');
  try {
    const runId = await secret.ask('rotate');
    await eventually(async () => (await secret.run(runId))['state'] === 'ended');
    expect(await secret.run(runId)).toMatchObject({ outcome: 'succeeded' });
    expect(secret.values().env).not.toEqual([secret.oldValue]);
    expect(await secret.login(secret.values().env[0] ?? '', 'by-tls-env')).toBe('accepted');
  } finally {
    await secret.stop();
  }
  expect(await run('health.js', 'worker', installation.environment.ROTOR_TASK_QUEUE)).toBe('');
  expect(await doctor('temporal')).toMatchObject({
    fine: true,
    told: expect.stringMatching(/^encrypted, with client certificate and API key; namespace/),
  });
  const called = new Set(proxy.calls.map(({ name }) => name));
  // The worker's client, and the one of the API.
  expect(called).toContain('RespondWorkflowTaskCompleted');
  expect(called).toContain('StartWorkflowExecution');
  expect(proxy.calls.filter((call) => call.authorization !== 'Bearer key-of-rotor')).toEqual([]);
  for (const child of processes) await end(child);
});

test('where Temporal says no, the worker ends and tells why; the API tells it to who asks the doctor', async () => {
  const { TEMPORAL_API_KEY_FILE: _key, ...keyless } = access;
  const worker = installation.start('worker', keyless);
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const api = installation.start('api', keyless);
  await installation.ready();
  expect(await doctor('temporal')).toMatchObject({
    fine: false,
    told: expect.stringContaining('the server does not accept rotor'),
    hint: expect.stringContaining('TEMPORAL_API_KEY_FILE'),
  });
  expect(await ended).toBe(1);
  expect(installation.log('worker')).toContain('temporal-not-permitted');
  await end(api);
});

test('where rotor does not believe the server, nothing is sent, and the doctor tells the certificate from the key', async () => {
  const { TEMPORAL_TLS_SERVER_CA_CERT_PATH: _ca, ...credulous } = access;
  const before = proxy.calls.length;
  const worker = installation.start('worker', credulous);
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  installation.start('api', credulous);
  await installation.ready();
  expect(await doctor('temporal')).toMatchObject({
    fine: false,
    told: expect.stringContaining("the server's certificate is refused"),
    hint: expect.stringContaining('TEMPORAL_TLS_SERVER_CA_CERT_PATH'),
  });
  expect(await ended).toBe(1);
  expect(installation.log('worker')).toContain('temporal-certificate-refused');
  expect(proxy.calls).toHaveLength(before);
  for (const name of ['worker', 'api'])
    expect(installation.log(name)).not.toMatch(/key-of-rotor|PRIVATE KEY/);
});
