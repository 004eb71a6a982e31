/** The scene of the demo: an authority with a secret older than rotor, programs that use it, and what they declare. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { readSecret, freePort } from '../stack/first-start.js';
import { startProgram } from './program.js';

export interface Scene {
  readonly folder: string;
  readonly stateFolder: string;
  readonly url: string;
  readonly clientId: string;
  readonly oldValue: string;
  readonly webhookPort: number;
}

export const declared = ['billing-service', 'ci-runner', 'reports', 'gateway'] as const;
export const undeclared = 'nightly-script';

/** Calls the authority as its owner does. */
export async function authority<T>(
  { url, stateFolder }: Pick<Scene, 'url' | 'stateFolder'>,
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await fetch(`${url}/authority/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${readSecret(stateFolder, 'authority-token')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}

/** A client secret that somebody made by hand, long ago, and copied to five places. */
export async function setScene(
  place: Pick<Scene, 'folder' | 'stateFolder' | 'url'>,
): Promise<Scene> {
  const client = { secretKey: 'made-by-hand', name: 'acme/billing-api' };
  const { clientId } = await authority<{ clientId: string }>(place, '/clients', client);
  const expiresAt = new Date(Date.now() + 300 * 86_400_000).toISOString();
  const { value } = await authority<{ value: string }>(place, `/clients/${clientId}/credentials`, {
    role: 'Contributor',
    expiresAt,
  });
  const scene = { ...place, clientId, oldValue: value, webhookPort: await freePort(0) };
  writeCopies(scene);
  return scene;
}

function writeCopies({ folder, oldValue }: Scene): void {
  mkdirSync(folder, { recursive: true });
  const copies: Readonly<Record<string, string>> = {
    'billing.env': `# billing\nPORT=8080\nexport CLIENT_SECRET="${oldValue}" # from the wiki\n`,
    'ci.env': `CLIENT_SECRETS=${oldValue}\n`,
    'reports.json': `{\n  "api": {\n    "secret": "${oldValue}"\n  },\n  "every": "1h"\n}\n`,
    'gateway.start': oldValue,
    'nightly.env': `CLIENT_SECRET=${oldValue}\n`,
  };
  for (const [name, text] of Object.entries(copies)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o600);
  }
}

const tasks = {
  'billing-service': { source: 'dotenv', file: 'billing.env' },
  'ci-runner': { source: 'list', file: 'ci.env' },
  reports: { source: 'json', file: 'reports.json' },
  gateway: { source: 'webhook', file: 'gateway.start' },
  'nightly-script': { source: 'dotenv', file: 'nightly.env' },
} as const;
export type Dependent = keyof typeof tasks;

export function startDependent(scene: Scene, name: Dependent): ChildProcess {
  const { clientId } = scene;
  return startProgram(scene.folder, {
    name,
    login: { kind: 'token', url: `${scene.url}/oauth/token`, clientId },
    source: tasks[name].source,
    file: join(scene.folder, tasks[name].file),
    port: scene.webhookPort,
    keyFile: join(scene.stateFolder, 'webhook-key'),
  });
}

/** What the owners declare: the four, and later the one that was found. */
export function declarations(scene: Scene, names: readonly Dependent[]): string {
  return stringify({
    organization: 'acme',
    policies: [
      {
        name: 'demo',
        overlap: '1s',
        quietPeriod: '2s',
        disablePeriod: '1s',
        monitorPeriod: '5m',
        timeouts: { deliver: '5s', prove: '10s' },
      },
    ],
    dependents: names.map((name) => ({ name, owner: `team-${name}` })),
    secrets: [
      {
        name: 'billing-api',
        issuer: 'main',
        owner: 'team-billing',
        policy: 'demo',
        specification: { role: 'Contributor', validity: '90d', clientId: scene.clientId },
        dependencies: names.map((name) => dependency(scene, name)),
      },
    ],
  });
}

function dependency(scene: Scene, name: Dependent): Record<string, unknown> {
  return {
    dependent: name,
    ...destination(scene, name),
    seenAs: { address: '127.0.0.1', userAgent: `${name}/*` },
    picksUpWithin: '1s',
  };
}

function destination(scene: Scene, name: Dependent): Record<string, unknown> {
  const file = join(scene.folder, tasks[name].file);
  switch (tasks[name].source) {
    case 'dotenv':
      return { connector: 'dotenv', destination: { file, variable: 'CLIENT_SECRET' } };
    case 'list':
      return {
        connector: 'dotenv',
        destination: { file, variable: 'CLIENT_SECRETS', separator: ',' },
      };
    case 'json':
      return { connector: 'json-file', destination: { file, pointer: '/api/secret' } };
    case 'webhook':
      return {
        connector: 'webhook',
        destination: { url: `http://127.0.0.1:${scene.webhookPort}/` },
      };
  }
}
