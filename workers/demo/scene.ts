/** The scene of the demo: an authority with a secret older than rotor, programs that use it, and what they declare. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../infra/embedded/readiness.js';
import { makeByHand, type AuthorityPlace, type Client } from './authority.js';
import { destinationOf, type Place } from './places.js';
import { startProgram } from './program.js';

export interface Scene extends AuthorityPlace, Client {
  readonly folder: string;
  readonly webhookPort: number;
}

export const declared = ['billing-service', 'ci-runner', 'reports', 'gateway'] as const;
export const undeclared = 'nightly-script';

/** A client secret that somebody made by hand, long ago, and copied to five places. */
export async function setScene(
  place: Pick<Scene, 'folder' | 'stateFolder' | 'url'>,
): Promise<Scene> {
  const client = await makeByHand(place, { name: 'billing-api', role: 'Contributor' });
  const scene = { ...place, ...client, webhookPort: await freePort() };
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
  const { clientId, url, stateFolder } = scene;
  const use = {
    ...placeOf(scene, name),
    about: 'billing-api',
    login: { kind: 'token' as const, url, clientId },
    keyFile: join(stateFolder, 'webhook-key'),
  };
  return startProgram(scene.folder, { name, uses: [use] });
}

function placeOf({ folder, webhookPort: port }: Scene, name: Dependent): Place {
  const { source, file } = tasks[name];
  return { source, file: join(folder, file), port };
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
    ...destinationOf(placeOf(scene, name)),
    seenAs: { address: '127.0.0.1', userAgent: `${name}/*` },
    picksUpWithin: '1s',
  };
}
