/** An installation on servers of the user's own: set up, started, used and set up again, as docker-compose.yml does it. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { connectorKinds } from '../../connectors/index.js';
import { packageRoot } from '../../infra/package-root.js';
import { channelKinds } from '../../infra/notify/index.js';
import { issuerKinds } from '../../issuers/index.js';
import { checkConfiguration } from '../../schemas/configuration.js';
import { storeKinds } from '../../stores/index.js';
import { freePort } from '../../infra/embedded/readiness.js';
import { launch } from '../../workers/stack/supervised.js';
import { end, eventually } from '../faults/installation.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { sharedTemporal } from '../harness/temporal.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const shipped = join(packageRoot(), 'deploy', 'rotor.yaml');

let database: TestDatabase;
let state: string;
let environment: Record<string, string>;

beforeAll(async () => {
  database = await openDatabase();
  // What setup finds at the first start: the database without anything of rotor's.
  await database.ownerPool.query(
    'drop schema rotor cascade; drop schema authority cascade; drop schema sealed cascade; drop table rotor_migrations',
  );
  state = mkdtempSync(join(tmpdir(), 'rotor setup '));
  environment = {
    PATH: process.env['PATH'] ?? '',
    ROTOR_STATE: state,
    ROTOR_CONFIG: join(state, 'rotor.yaml'),
    ROTOR_TASK_QUEUE: `setup-${randomBytes(4).toString('hex')}`,
    DATABASE_URL: database.ownerUrl,
    TEMPORAL_ADDRESS: sharedTemporal().address,
  };
  writeFileSync(join(state, 'rotor.yaml'), await configuration());
});
afterAll(async () => {
  await database.close();
  rmSync(state, { recursive: true, force: true });
});

/** The one that is shipped, with the places of this test. */
async function configuration(): Promise<string> {
  const port = await freePort();
  const text = readFileSync(shipped, 'utf8')
    .replaceAll('/var/lib/rotor', state)
    .replace('api:7600', `127.0.0.1:${port}`);
  const document = parse(text) as { api: { port: number } };
  document.api.port = port;
  return stringify(document);
}

function run(script: string, args: string[] = [], env = environment): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(packageRoot(), script), ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

const setup = 'dist/workers/setup.js';

describe('setup', () => {
  test('says what is missing, all at once', async () => {
    const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, ...less } = environment;
    const { code, err } = await run(setup, [], less);
    expect(code).toBe(1);
    expect(err).toContain('DATABASE_URL: is not set');
    expect(err).toContain('TEMPORAL_ADDRESS: is not set');
  });

  test('refuses a configuration that is not there', async () => {
    const { code, err } = await run(setup, [], { ...environment, ROTOR_CONFIG: '/no/rotor.yaml' });
    expect(code).toBe(1);
    expect(err).toContain('/no/rotor.yaml');
  });

  test('makes servers ready; worker and API then start, and the command line finds them', async () => {
    const first = await run(setup);
    expect(first).toMatchObject({ code: 0, err: '' });
    const started = ['worker', 'api'].map((name) =>
      launch({
        name,
        script: join(packageRoot(), 'dist', 'workers', `${name}.js`),
        environment,
        logFile: join(state, `${name}.log`),
      }),
    );
    try {
      await eventually(async () => (await run('bin/rotor', ['doctor'])).code === 0);
    } finally {
      for (const child of started) await end(child);
    }
  });

  test('run again changes nothing, and shows nothing that is secret', async () => {
    const files = (): string[] => readdirSync(state).filter((name) => !name.endsWith('.log'));
    const contents = (): string[] => files().map((name) => readFileSync(join(state, name), 'utf8'));
    const before = contents();
    const { code, out } = await run(setup);
    expect(code).toBe(0);
    expect(contents()).toEqual(before);
    const hidden = ['keys.json', 'admin-token', 'authority-token', 'webhook-key'];
    for (const name of hidden) {
      expect(statSync(join(state, name)).mode & 0o777).toBe(0o600);
      expect(out).not.toContain(readFileSync(join(state, name), 'utf8').trim());
    }
  });
});

test('the configuration that docker-compose.yml mounts is valid', () => {
  const document: unknown = parse(readFileSync(shipped, 'utf8'));
  expect(
    checkConfiguration(document, {
      issuerKinds,
      connectorKinds,
      storeKinds,
      channelKinds,
      placeKinds: [],
      isInstalled: () => true,
    }),
  ).toHaveProperty('value');
});
