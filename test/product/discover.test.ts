import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { DiscoveryTold } from '../../domain/discover/told.js';
import {
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type Row,
  type UsedSecret,
} from '../faults/installation.js';
import { expectGolden, withoutChance } from '../golden/golden.js';
import type { Rotor } from './rotor.js';
import { openSession, type Session } from './session.js';

let installation: Installation;
let secret: UsedSecret;
let session: Session;
let rotor: Rotor;
let child: ChildProcess;
/** Where a discovery looks, beside destinations. */
let folder: string;
let firstBeat: number;

beforeAll(async () => {
  installation = await openInstallation();
  folder = join(realpathSync(installation.folder), 'servers');
  mkdirSync(folder);
  const file = join(installation.folder, 'rotor.yaml');
  const configuration = parse(readFileSync(file, 'utf8')) as Row;
  const discover = [{ kind: 'folder', path: folder }, { kind: 'processes' }];
  writeFileSync(file, stringify({ ...configuration, discover }));
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  session = openSession(installation);
  ({ rotor } = session);
  firstBeat = await beat();
  secret = await openSecret(installation, 'shop');
  const env = { PATH: process.env['PATH'], FORGOTTEN: secret.oldValue };
  child = spawn('sleep', ['300'], { env });
  await once(child, 'spawn');
});
afterAll(async () => {
  child.kill('SIGKILL');
  await secret.stop();
  session.close();
  await installation.close();
});

/** Goes up as long as a worker lives. */
async function beat(): Promise<number> {
  return Number((await installation.api.get<Row>('/v1/heartbeat'))['beat']);
}

async function discover(): Promise<{ told: DiscoveryTold; code: number | null; out: string }> {
  const { out, code, err } = await rotor(['discover', 'acme/shop', '--json']);
  expect(err).toBe('');
  return { told: JSON.parse(out) as DiscoveryTold, code, out };
}

const shown = ({ copies }: DiscoveryTold): unknown[] =>
  copies.map(({ version, where, declared, severity }) => [version, where, declared ?? severity]);

async function openFindings(): Promise<Row[]> {
  const query = '/v1/findings?code=undeclared-copy';
  return installation.api.get<Row[]>(query);
}

/** Named by the program that it is. */
const ofProcess = 'process sleep#FORGOTTEN';

describe('rotor discover', () => {
  test('finds copies and users that nobody declared, and tells what is declared', async () => {
    writeFileSync(join(folder, 'cron.env'), `TOKEN=${secret.oldValue}\n`);
    writeFileSync(join(folder, 'run.sh'), `#!/bin/sh\ncurl -u app:${secret.oldValue} x\n`);
    await secret.login(secret.oldValue, 'stranger/1');
    const { told, code, out } = await discover();
    expect(code).toBe(8);
    expect(shown(told)).toEqual([
      ['v1', `${folder}/cron.env#TOKEN`, 'warning'],
      ['v1', `${folder}/run.sh`, 'warning'],
      ['v1', ofProcess, 'warning'],
      ['v1', `${realpathSync(secret.env)}#SECRET`, 'shop-env'],
      ['v1', `${realpathSync(secret.list)}#SECRETS`, 'shop-list'],
    ]);
    expect(told.copies[0]?.declare).toEqual({
      connector: 'dotenv',
      destination: { file: `${folder}/cron.env`, variable: 'TOKEN' },
    });
    expect(told.copies[1]).toMatchObject({
      detail: 'line 2',
      declare: { connector: 'human-task', destination: { place: `${folder}/run.sh` } },
    });
    expect(told.users.map(({ source }) => source)).toEqual(['127.0.0.1 · stranger/1']);
    const text = await rotor(['discover', 'acme/shop']);
    const plain = withoutChance(
      text.out
        .replaceAll(realpathSync(installation.folder), '/srv')
        .replaceAll(/\d+ (files|bytes|processes)/g, 'N $1')
        .replaceAll(/\d+×, last \w+ ago/g, 'N×, last Ns ago')
        .replaceAll(/pid \d+/g, 'pid N'),
    );
    // What of the machine's own processes could not be read is another thing on each.
    expectGolden('discover.txt', plain.replace(/^not looked at\n(?: {2}.*\n)*\n/m, ''));
    for (const said of [out, text.out, installation.log('worker'), installation.log('api')])
      expect(said).not.toContain(secret.oldValue);
    const findings = await openFindings();
    expect(findings.map(({ message }) => message).sort()).toEqual([
      `v1 lies in a place that nobody declared: ${folder}/cron.env#TOKEN`,
      `v1 lies in a place that nobody declared: ${folder}/run.sh`,
      `v1 lies in a place that nobody declared: ${ofProcess}`,
    ]);
    expect(JSON.stringify(findings)).not.toContain(secret.oldValue);
  });

  test('what was printed can be pasted, and then it is declared; what is gone is closed', async () => {
    const { told } = await discover();
    const pasted = told.copies.find(({ where }) => where.endsWith('#TOKEN'))?.declare;
    const before = await installation.api.get<Row>('/v1/secrets/acme/shop');
    await installation.apply({
      organization: 'acme',
      dependents: [{ name: 'cron', owner: 'team' }],
      secrets: [
        {
          name: 'shop',
          issuer: 'main',
          owner: 'team',
          policy: 'quick',
          specification: { role: 'Viewer', validity: '1d', clientId: secret.clientId },
          dependencies: [
            ...(before['dependencies'] as Row[]).map(({ dependent }) => ({
              dependent,
              connector: 'dotenv',
              destination:
                dependent === 'shop-env'
                  ? { file: secret.env, variable: 'SECRET' }
                  : { file: secret.list, variable: 'SECRETS', separator: ',' },
              seenAs: { userAgent: dependent },
              picksUpWithin: '100ms',
            })),
            { dependent: 'cron', ...pasted, leastEvidence: 'read-back' },
          ],
        },
      ],
    });
    writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\n');
    const again = await discover();
    expect(shown(again.told)).toEqual([
      ['v1', ofProcess, 'warning'],
      ['v1', `${folder}/cron.env#TOKEN`, 'cron'],
      ['v1', `${realpathSync(secret.env)}#SECRET`, 'shop-env'],
      ['v1', `${realpathSync(secret.list)}#SECRETS`, 'shop-list'],
    ]);
    expect((await openFindings()).map(({ message }) => message)).toEqual([
      `v1 lies in a place that nobody declared: ${ofProcess}`,
    ]);
  });

  test('a place that cannot be looked at is said, and keeps its finding open', async () => {
    writeFileSync(join(folder, 'late.env'), `TOKEN=${secret.oldValue}\n`);
    await discover();
    writeFileSync(join(folder, 'late.env'), `TOKEN=x\n${' '.repeat(1_100_000)}`);
    const { told } = await discover();
    expect(told.passedOver).toContainEqual({
      where: `${folder}/late.env`,
      why: 'is larger than 1048576 bytes',
    });
    expect((await openFindings()).map(({ message }) => message)).toContain(
      `v1 lies in a place that nobody declared: ${folder}/late.env#TOKEN`,
    );
    writeFileSync(join(folder, 'late.env'), '');
    await discover();
    expect(await openFindings()).toHaveLength(1);
  });

  test('rotor doctor looks at each place, and says which one cannot be looked at', async () => {
    const fine = await rotor(['doctor']);
    expect(fine.out).toMatch(new RegExp(`place folder +folder ${folder} can be read`));
    expect(fine.out).toMatch(/place processes +processes of rotor's user \d+ processes/);
    renameSync(folder, `${folder}-away`);
    const { code, out } = await rotor(['doctor']);
    renameSync(`${folder}-away`, folder);
    expect([code, out]).toEqual([8, expect.stringContaining(`${folder} cannot be read (ENOENT)`)]);
    expect(out).toContain('see discover.0 in rotor.yaml');
  });

  test('a name that holds the value is not told', async () => {
    const { oldValue } = secret;
    writeFileSync(join(folder, `${oldValue}.json`), JSON.stringify({ [oldValue]: oldValue }));
    writeFileSync(join(folder, `${oldValue}.bin`), Buffer.from([0]));
    writeFileSync(join(folder, `backup-${oldValue}-2.txt`), oldValue);
    writeFileSync(join(folder, `old_${oldValue}.2.bin`), Buffer.from([0]));
    writeFileSync(join(folder, `x${oldValue}y.txt`), oldValue);
    const { told, out } = await discover();
    expect(out).not.toContain(oldValue);
    expect(told.copies.map(({ where }) => where)).toContain(`${folder}/[value].json#/[value]`);
    const found = told.copies.map(({ where }) => where);
    for (const where of ['backup-[value]-2.txt', 'x[value]y.txt'])
      expect(found).toContain(`${folder}/${where}`);
    const passedOver = told.passedOver.map(({ where }) => where);
    for (const where of ['[value].bin', 'old_[value].2.bin'])
      expect(passedOver).toContain(`${folder}/${where}`);
    const query = '/v1/findings?code=undeclared-copy&all=true';
    expect(JSON.stringify(await installation.api.get(query))).not.toContain(oldValue);
    for (const name of readdirSync(folder).filter((one) => one.includes(oldValue)))
      rmSync(join(folder, name));
    await discover();
    expect(await openFindings()).toHaveLength(1);
  });

  test('a dead value is told, and is no finding any more', async () => {
    await secret.ask('compromise');
    await eventually(async () =>
      (await secret.versions()).some(({ state }) => state === 'revoked'),
    );
    writeFileSync(join(folder, 'old.txt'), secret.oldValue);
    await eventually(async () => {
      const { told } = await discover();
      const old = told.copies.find(({ where }) => where === `${folder}/old.txt`);
      expect(old).toMatchObject({ version: 'v1', state: 'revoked', current: false });
      expect(old?.severity).toBeUndefined();
      return true;
    });
    expect(await openFindings()).toEqual([]);
  });

  test('who looked for it is on record, and a viewer may not', async () => {
    const { token } = await installation.api.post<{ token: string }>('/v1/tokens', {
      name: 'eve',
      holder: 'person',
      role: 'operator',
      validFor: '1h',
    });
    const refused = await rotor(['discover', 'acme/shop'], { env: { ROTOR_TOKEN: token } });
    expect([refused.code, refused.err]).toEqual([3, expect.stringContaining('not-allowed')]);
    const { rows } = await installation.database.ownerPool.query<{ actor: string }>(
      `select actor from rotor.audit where event->>'change' = 'discovery-asked'`,
    );
    expect(rows.length).toBeGreaterThan(4);
    expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set(['first-admin']));
    const missing = await rotor(['discover', 'acme/nothing']);
    await eventually(async () => (await beat()) > firstBeat);
    expect([missing.code, missing.err]).toEqual([4, expect.stringContaining('no-such-secret')]);
  });
});
