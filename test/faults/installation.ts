/** An installation as users run it: API and worker as processes, on the servers that the test run shares. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { Client, Connection } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { openApi } from '../../client/http.js';
import { secretWorkflowId } from '../../domain/run.js';
import { packageRoot } from '../../infra/package-root.js';
import { authority as askAuthority } from '../../workers/demo/authority.js';
import { firstToken } from '../../workers/stack/first-token.js';
import { freePort } from '../../infra/embedded/readiness.js';
import { prepareState } from '../../workers/stack/first-start.js';
import { launch } from '../../workers/stack/supervised.js';
import { openDatabase } from '../harness/database.js';
import { sharedTemporal } from '../harness/temporal.js';
import { openProxies } from './proxy.js';

export interface Row {
  readonly [name: string]: unknown;
}

export type Installation = Awaited<ReturnType<typeof openInstallation>>;

export const quick = {
  name: 'quick',
  overlap: '0',
  quietPeriod: '200ms',
  disablePeriod: '100ms',
  monitorPeriod: '1m',
  timeouts: { mint: '2s', deliver: '2s', prove: '20s' },
};

const scripts = {
  worker: 'workers/worker.js',
  api: 'workers/api.js',
  'worker-with-issuer': 'test/faults/worker-process.js',
};

/** More issuer instances, by name; each may need the database's owner. */
export type MoreIssuers = (ownerUrl: string, folder: string) => Record<string, unknown>;

/** `proxied`: its processes reach PostgreSQL and Temporal through proxies that a test can cut. */
export async function openInstallation(
  more: MoreIssuers = () => ({}),
  { proxied = false }: { readonly proxied?: boolean } = {},
) {
  const database = await openDatabase();
  const temporal = sharedTemporal();
  const proxies = proxied ? await openProxies(database.url, temporal.address) : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'rotor-installation-'));
  const port = await freePort();
  await prepareState(folder, { roots: [folder], port });
  addIssuers(join(folder, 'rotor.yaml'), more(database.ownerUrl, folder));
  const tokenFile = await firstToken({
    stateFolder: folder,
    keyFile: join(folder, 'keys.json'),
    databaseUrl: database.url,
  });
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(join(folder, 'api.json'), JSON.stringify({ url, tokenFile }));
  const api = openApi({ url, token: readFileSync(tokenFile, 'utf8').trim() });
  const environment = {
    ROTOR_STATE: folder,
    ROTOR_CONFIG: join(folder, 'rotor.yaml'),
    ROTOR_KEY_FILE: join(folder, 'keys.json'),
    ROTOR_KILL_AT: join(folder, 'kill-at'),
    ROTOR_TASK_QUEUE: `test-${randomBytes(4).toString('hex')}`,
    DATABASE_URL: proxies?.databaseUrl ?? database.url,
    TEMPORAL_ADDRESS: proxies?.temporalAddress ?? temporal.address,
  };
  const running = new Set<ChildProcess>();
  const start = (name: keyof typeof scripts, more: Record<string, string> = {}): ChildProcess => {
    const child = launch({
      name,
      script: join(packageRoot(), 'dist', scripts[name]),
      environment: { ...environment, ...more },
      logFile: join(folder, `${name}.log`),
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
  const log = (name: string): string => {
    const file = join(folder, `${name}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const ready = async (): Promise<void> => {
    await eventually(async () => (await fetch(`${url}/health`)).ok).catch(() => {
      throw new Error(`the API is not ready; its log ends with: ${log('api').slice(-2_000)}`);
    });
  };
  const authority = <T>(path: string, body?: unknown): Promise<T> =>
    askAuthority<T>({ url, stateFolder: folder }, path, body);
  return {
    database,
    proxies,
    folder,
    url,
    api,
    start,
    /** Whichever of its processes comes to that point next dies there (SIGKILL). */
    killAt: (point: string) => writeFileSync(environment.ROTOR_KILL_AT, point),
    ready,
    authority,
    environment,
    log,
    async apply(document: unknown) {
      return api.post<{ changes: Row[] }>('/v1/declarations', {
        documents: [document],
        dryRun: false,
      });
    },
    async close() {
      await Promise.all([...running].map((child) => end(child)));
      await Promise.all([proxies?.database.close(), proxies?.temporal.close()]);
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function addIssuers(file: string, more: Record<string, unknown>): void {
  const configuration = parse(readFileSync(file, 'utf8')) as { issuers: Record<string, unknown> };
  Object.assign(configuration.issuers, more);
  writeFileSync(file, stringify(configuration));
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

/** Looks often at first: what takes long is looked at less often, so that looking is not what makes it take long. */
export async function eventually(look: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const [began, stop] = [Date.now(), Date.now() + withinMs];
  // One that throws before it waits for anything is asked again, too.
  const attempt = async (): Promise<boolean> => look();
  for (;;) {
    if (await attempt().catch(() => false)) return;
    if (Date.now() > stop) throw new Error('it did not come about in time');
    await pause(Math.min(20 + (Date.now() - began) / 20, 150));
  }
}

/** One secret older than rotor, used by a program with a dotenv file and one with a list, both in this process. */
export type ForSecrets = Pick<Installation, 'authority' | 'folder' | 'api' | 'url' | 'apply'>;

export interface SecretOptions {
  /** What differs from the quick policy; of a name of its own. */
  readonly policy?: Row;
  /** Each program logs in this often. */
  readonly everyMs?: number;
  /** False: whoever opens it adopts its credential. */
  readonly adopted?: boolean;
}

export async function openSecret(
  installation: ForSecrets,
  name: string,
  { policy: differing = {}, everyMs = 120, adopted = true }: SecretOptions = {},
) {
  const policy = { ...quick, ...differing };
  const { authority, folder, api, url } = installation;
  const client = { secretKey: name, name: `acme/${name}` };
  const { clientId } = await authority<{ clientId: string }>('/clients', client);
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const made = await authority<{ value: string }>(`/clients/${clientId}/credentials`, {
    role: 'Viewer',
    expiresAt,
  });
  const env = join(folder, `${name}.env`);
  const list = join(folder, `${name}.list`);
  writeFileSync(env, `SECRET=${made.value}\n`);
  writeFileSync(list, `SECRETS=${made.value}\n`);
  const dependency = (kind: string, destination: Row): Row => ({
    dependent: `${name}-${kind}`,
    connector: 'dotenv',
    destination,
    seenAs: { userAgent: `${name}-${kind}` },
    picksUpWithin: '100ms',
  });
  await installation.apply({
    organization: 'acme',
    policies: [policy],
    dependents: [
      { name: `${name}-env`, owner: 'team' },
      { name: `${name}-list`, owner: 'team' },
    ],
    secrets: [
      {
        name,
        issuer: 'main',
        owner: 'team',
        policy: policy.name,
        specification: { role: 'Viewer', validity: '1d', clientId },
        dependencies: [
          dependency('env', { file: env, variable: 'SECRET' }),
          dependency('list', { file: list, variable: 'SECRETS', separator: ',' }),
        ],
      },
    ],
  });
  const adopt = () => api.post(`/v1/secrets/acme/${name}/adopt`, { value: made.value });
  if (adopted) await adopt();
  const login = async (value: string, userAgent: string): Promise<string> => {
    try {
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
      return response.ok ? 'accepted' : response.status === 401 ? 'refused' : 'lost';
    } catch {
      return 'lost';
    }
  };
  const valuesIn = (file: string): string[] =>
    (/=(.*)/.exec(readFileSync(file, 'utf8'))?.[1] ?? '').split(',');
  const refused: string[] = [];
  const refusedAt: number[] = [];
  const seen = new Set([made.value]);
  let using = true;
  let resting = false;
  /** Only a refusal makes a program try its next value; refused is who was refused with all of them. */
  const useOnce = async (kind: string, file: string): Promise<void> => {
    const began = Date.now();
    for (const value of valuesIn(file)) {
      seen.add(value);
      if ((await login(value, `${name}-${kind}`)) !== 'refused') return;
    }
    refused.push(kind);
    refusedAt.push(began);
  };
  const use = async (kind: string, file: string): Promise<void> => {
    while (using) {
      if (!resting) await useOnce(kind, file);
      await pause(everyMs);
    }
  };
  const uses = [use('env', env), use('list', list)];
  return {
    name,
    clientId,
    refused,
    /** When the requests began that were refused. */
    refusedAt,
    /** Every value that a program has found at its place. */
    seen,
    /** The programs stop using the secret for a while. */
    rest: (on: boolean) => {
      resting = on;
    },
    login,
    env,
    list,
    oldValue: made.value,
    adopt,
    values: () => ({ env: valuesIn(env), list: valuesIn(list) }),
    ask: async (kind: 'rotate' | 'compromise', idempotencyKey?: string) => {
      const confirm = kind === 'compromise' ? { confirm: 'revoke' } : {};
      const body = { kind, reason: 'test', ...confirm };
      const path = `/v1/secrets/acme/${name}/runs`;
      return (await api.post<{ runId: string }>(path, body, idempotencyKey)).runId;
    },
    run: async (runId: string) => (await api.get<{ run: Row }>(`/v1/runs/${runId}`)).run,
    abort: (runId: string) =>
      api.post(`/v1/runs/${runId}/decisions`, { kind: 'abort', reason: 'test' }),
    /** What Temporal says of the secret's last run. */
    workflowStatus: async () => {
      const { secretId } = await api.get<{ secretId: string }>(`/v1/secrets/acme/${name}`);
      const { address, namespace } = sharedTemporal();
      const connection = await Connection.connect({ address });
      const client = new Client({ connection, namespace });
      const { status } = await client.workflow.getHandle(secretWorkflowId(secretId)).describe();
      await connection.close();
      return status.name;
    },
    versions: async () => (await api.get<{ versions: Row[] }>(`/v1/secrets/acme/${name}`)).versions,
    /** Credentials that live at the issuer, and are a live version of the registry's: nothing else may be. */
    async orphans() {
      const listed = await authority<{ credentialId: string }[]>(
        `/clients/${clientId}/credentials`,
      );
      const { versions } = await api.get<{ versions: Row[] }>(`/v1/secrets/acme/${name}`);
      const live = versions.filter(({ state }) => state !== 'revoked' && state !== 'ended');
      const known = live.map(({ credential }) => String(credential));
      const there = listed.map(({ credentialId }) => credentialId);
      return [
        ...there.filter((id) => !known.includes(id)).map((id) => `${id} is no live version`),
        ...known.filter((id) => !there.includes(id)).map((id) => `${id} is not at the issuer`),
      ];
    },
    async stop() {
      using = false;
      await Promise.all(uses);
    },
  };
}

export type UsedSecret = Awaited<ReturnType<typeof openSecret>>;
