import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { baoAdmin } from '../connectors/bao-places.js';
import { target, targetPatience } from '../targets/client.js';
import { readCredential } from '../targets/serving.js';
import { openInstallation, type Installation, type Row } from '../faults/installation.js';
import { rotorIn, type Rotor } from './rotor.js';

let installation: Installation;
let rotor: Rotor;
let folder: string;

beforeAll(async () => {
  installation = await openInstallation();
  folder = realpathSync(installation.folder);
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  rotor = rotorIn(installation);
});
afterAll(() => installation.close());

function write(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const shop = ['--organization', 'shop'];

interface Declared {
  readonly secrets: readonly {
    readonly name: string;
    readonly dependencies: readonly Row[];
  }[];
  readonly dependents: readonly { readonly name: string }[];
}

describe('rotor import dotenv', () => {
  test('is proposed, decided on, applied and adopted', async () => {
    const named = { secretKey: 'old', name: 'old' };
    const { clientId = '' } = await installation.authority<Record<string, string>>(
      '/clients',
      named,
    );
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const { value = '' } = await installation.authority<Record<string, string>>(
      `/clients/${clientId}/credentials`,
      { role: 'Viewer', expiresAt },
    );
    const database = 'postgres://app:hunter2-hunter2@db.example.org/app';
    const files = [
      write('web/.env', `API_SECRET=${value}\nLOG_LEVEL=debug\nDATABASE_URL=${database}\n`),
      write('cron.env', `# nightly\nexport TOKEN="${value}"\n`),
    ];
    const out = join(folder, 'proposed.yaml');
    const said = await rotor(['import', 'dotenv', ...files, ...shop, '--out', out]);
    expect([said.code, said.err]).toEqual([0, '']);
    expect(said.out).toContain('2 secrets');
    const text = readFileSync(out, 'utf8');
    for (const secret of [value, 'hunter2', database]) {
      expect(text).not.toContain(secret);
      expect(said.out).not.toContain(secret);
    }
    expect(text).toContain("# looks like a client secret of rotor's own authority");
    expect(text).toContain('# looks like a PostgreSQL address with a password in it');
    expect(text).toContain('LOG_LEVEL: does not look like a secret');
    const proposed = parse(text) as Declared;
    expect(proposed.secrets[0]).toMatchObject({
      name: 'api-secret',
      issuer: 'main',
      dependencies: [
        { dependent: 'web', connector: 'dotenv', destination: { variable: 'API_SECRET' } },
        { dependent: 'cron', connector: 'dotenv', destination: { variable: 'TOKEN' } },
      ],
    });
    // Nothing is decided yet: who applies it as it is, is told what is missing.
    const early = await rotor(['apply', '-f', out, '--dry-run']);
    expect([early.code, early.err]).toEqual([
      2,
      expect.stringContaining('there is no issuer todo'),
    ]);
    // What a person does: the marked lines, and what is not wanted goes.
    const [wanted = ''] = text.split(/^ {2}# looks like a PostgreSQL/m);
    const decided = wanted
      .replaceAll('owner: todo', 'owner: team')
      .replace('specification: {}', `specification: { role: Viewer, clientId: ${clientId} }`);
    writeFileSync(out, decided);
    const applied = await rotor(['apply', '-f', out]);
    expect([applied.code, applied.err]).toEqual([0, '']);
    const adopted = await rotor(['adopt', 'shop/api-secret', '--value-stdin'], { input: value });
    expect([adopted.code, adopted.out]).toEqual([0, expect.stringContaining('value sealed')]);
    const places = await rotor(['discover', 'shop/api-secret', '--json']);
    expect(places.code).toBe(0);
  });

  test('tells everything that is wrong at once, and writes nothing', async () => {
    const out = write('there.yaml', 'mine\n');
    const noDotenv = write('photo.env', 'no assignment at all\n');
    const said = await rotor([
      ...['import', 'dotenv', join(folder, 'missing.env'), noDotenv],
      ...['--organization', 'Shop', '--out', out],
    ]);
    expect(said.code).toBe(2);
    for (const told of ['missing.env', 'is no dotenv file', '--organization', 'there.yaml exists'])
      expect(said.err).toContain(told);
    expect(readFileSync(out, 'utf8')).toBe('mine\n');
    const key = `-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAb3De5Fg7Hi9==\n`;
    const pasted = write('pasted.env', `KEY=${key}`);
    const loose = await rotor(['import', 'dotenv', pasted, ...shop]);
    expect([loose.code, loose.err]).toEqual([
      2,
      expect.stringContaining('is no dotenv file: line 2 is neither'),
    ]);
    const odd = write('odd.env', 'API_TOKEN=abcdefgh1\nAb3De5Fg7Hi9==\n');
    const told = await rotor(['import', 'dotenv', odd, ...shop]);
    expect([told.code, told.out]).toEqual([0, expect.stringContaining('1 with unusual names')]);
    expect(`${loose.err}${loose.out}${told.out}`).not.toMatch(/Ab3De5|MIIEv/);
    const empty = write('empty.env', '# nothing\nPORT=80\n');
    const none = await rotor(['import', 'dotenv', empty, ...shop, '--out', `${out}.new`]);
    expect([none.code, none.err]).toEqual([4, expect.stringContaining('nothing-found')]);
    expect(existsSync(`${out}.new`)).toBe(false);
  });
});

describe('rotor import aws-secrets-manager', () => {
  test(
    'proposes what is below the prefix, by names, tags and dates, and reads no value',
    async () => {
      const moto = await target('moto');
      const { region, url, accessKeyIdFile, secretAccessKeyFile } = moto;
      const admin = new SecretsManager({
        region,
        endpoint: url,
        credentials: {
          accessKeyId: readCredential(accessKeyIdFile),
          secretAccessKey: readCredential(secretAccessKeyFile),
        },
      });
      const prefix = `${randomUUID().slice(0, 8)}/`;
      const SecretString = `needle-${randomUUID()}`;
      const Tags = [{ Key: 'team', Value: 'Payments' }];
      await admin.createSecret({
        Name: `${prefix}db`,
        SecretString,
        Tags,
        Description: 'a\nb ghp_abcdef',
      });
      await admin.createSecret({ Name: `${prefix}api`, SecretString });
      admin.destroy();
      const login = ['--access-key-id-file', accessKeyIdFile];
      const said = await rotor([
        ...['import', 'aws-secrets-manager', '--region', region, '--endpoint', url, ...login],
        ...['--secret-access-key-file', secretAccessKeyFile, '--prefix', prefix, ...shop],
      ]);
      expect(said.code).toBe(0);
      expect(`${said.out} ${said.err}`).not.toContain(SecretString);
      const proposed = parse(said.out) as Declared;
      const names = proposed.secrets.map(({ name }) => name).sort();
      const below = prefix.replace('/', '');
      expect(names).toEqual([`${below}-api`, `${below}-db`]);
      expect(proposed.secrets).toContainEqual(
        expect.objectContaining({
          name: `${below}-db`,
          owner: 'Payments',
          dependencies: [
            expect.objectContaining({
              connector: 'aws-secrets-manager',
              destination: { secret: `${prefix}db` },
            }),
          ],
        }),
      );
      expect(said.out).toContain('# description: a b [a token of GitHub]\n');
      expect(said.out).toContain('# tags: team=Payments');
      expect(said.out).toContain('decide: who reads it there?');
    },
    targetPatience,
  );

  test('options are checked together, before anybody is asked', async () => {
    const aws = ['import', 'aws-secrets-manager', '--access-key-id-file', '/x'];
    const said = await rotor([
      ...[...aws, '--region', 'nowhere', '--most-secrets', 'many'],
      ...['--organization', 'A', '--prefix', '#'],
    ]);
    expect(said.code).toBe(2);
    for (const option of ['--region', '--most-secrets', '--organization', '--prefix'])
      expect(said.err).toContain(option);
    const half = await rotor([...aws, '--region', 'eu-central-1', ...shop]);
    expect([half.code, half.err]).toEqual([2, expect.stringContaining('--secret-access-key-file')]);
  });
});

describe('rotor import openbao', () => {
  test(
    'proposes each key below the path with its metadata, and reads no value',
    async () => {
      const bao = await target('openbao');
      const path = `shop-${randomUUID().slice(0, 8)}`;
      const needle = `needle-${randomUUID()}`;
      const { ask, mount: newMount } = baoAdmin(bao);
      const mount = await newMount();
      const data = { password: needle, user: 'app' };
      expect((await ask('POST', `${mount}/data/${path}/db`, { data })).status).toBe(200);
      const custom_metadata = { team: 'Payments' };
      await ask('POST', `${mount}/metadata/${path}/db`, { custom_metadata });
      await ask('POST', `${mount}/data/elsewhere`, { data });
      const from = ['--url', bao.url, '--token-file', bao.tokenFile, '--mount', mount];
      const said = await rotor(['import', 'openbao', ...from, '--path', path, ...shop]);
      expect([said.code, said.err]).toEqual([0, '']);
      expect(said.out).not.toContain(needle);
      const { secrets } = parse(said.out) as Declared;
      expect(
        secrets.map(({ name, dependencies }) => [name, dependencies[0]?.['destination']]),
      ).toEqual([
        [`${path}-db-password`, { mount, path: `${path}/db`, key: 'password' }],
        [`${path}-db-user`, { mount, path: `${path}/db`, key: 'user' }],
      ]);
      expect(said.out).toContain('# metadata: team=Payments');
      const wrong = ['--url', bao.url, '--token-file', bao.tokenFile, '--mount', 'sys'];
      const refused = await rotor(['import', 'openbao', ...wrong, ...shop]);
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('not of kv')]);
      await ask('DELETE', `sys/mounts/${mount}`);
    },
    targetPatience,
  );
});
