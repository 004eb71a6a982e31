import { randomBytes, randomUUID } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import pg from 'pg';
import {
  inventoryFile,
  inventoryPurpose,
  readInventory,
  writeInventory,
  type Inventory,
} from '../../infra/direct/inventory-file.js';
import { signLines } from '../../infra/direct/signed-lines.js';
import { readKeyFile } from '../../infra/key-file.js';
import { openPostgres, type OwnPostgres } from '../harness/own-postgres.js';
import {
  end,
  eventually,
  openInstallation,
  quick,
  type Installation,
  type Row,
} from '../faults/installation.js';
import { rotorIn, type Said } from './rotor.js';

const ownerRole = `orders_${randomBytes(4).toString('hex')}`;
const otherRole = `half_${randomBytes(4).toString('hex')}`;
const secret = 'acme/orders-db';
const files = ['orders.env', 'reports.env'] as const;
const compromises = `select from rotor.runs where kind = 'compromise'`;
const trail = `select from rotor.audit where event->>'change' = 'contained-directly'`;

/** Nobody listens there. */
const gone = {
  DATABASE_URL: 'postgres://rotor@127.0.0.1:1/rotor',
  TEMPORAL_ADDRESS: '127.0.0.1:1',
};

describe('a secret leaks while API, worker, PostgreSQL and Temporal are away', () => {
  let server: OwnPostgres;
  let installation: Installation;
  let place: { stateFolder: string; key: Buffer };
  let inventory: Inventory;
  let firstUrl: string;
  const said: Said[] = [];

  const at = (...parts: string[]): string => join(installation.folder, ...parts);
  const valueIn = (file: string): string => parse(readFileSync(at(file), 'utf8'))['URL'] ?? '';
  const contain = async (
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Said> => {
    const all = ['contain', secret, '--direct', '--reason', 'on a wiki', '--as', 'jo', ...args];
    const one = await rotorIn(installation)(all, { env: { ...gone, ...env } });
    said.push(one);
    return one;
  };
  const journals = (folder = 'contained'): string[] =>
    readdirSync(at(folder)).filter((name) => name.endsWith('.ndjson'));
  const journalText = (name: string): string => readFileSync(at('contained', name), 'utf8');
  const login = async (url: string): Promise<boolean> => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  };

  beforeAll(async () => {
    server = await openPostgres();
    await server.query(`create role ${ownerRole} nologin; create role ${otherRole} nologin`);
    installation = await openInstallation((_owner, folder) => {
      const awayFile = join(folder, 'away-url');
      writeFileSync(awayFile, 'postgres://nobody@127.0.0.1:1/none', { mode: 0o600 });
      return {
        orders: { kind: 'postgres', adminUrlFile: server.urlFile },
        away: { kind: 'postgres', adminUrlFile: awayFile },
      };
    });
    for (const file of files) writeFileSync(at(file), 'URL=\nSHOP=\nHALF=\n');
    const running = [installation.start('api'), installation.start('worker')];
    await installation.ready();
    await installation.apply({
      organization: 'acme',
      policies: [
        { ...quick, leastEvidence: 'read-back' },
        { ...quick, name: 'slow', leastEvidence: 'read-back', overlap: '1h' },
      ],
      dependents: files.map((file) => ({ name: file.replace('.env', ''), owner: 'team-a' })),
      secrets: [
        {
          name: 'orders-db',
          issuer: 'orders',
          owner: 'team-db',
          policy: quick.name,
          specification: { ownerRole, database: 'postgres' },
          dependencies: files.map((file) => ({
            dependent: file.replace('.env', ''),
            connector: 'dotenv',
            destination: { file: at(file), variable: 'URL' },
          })),
        },
        {
          name: 'half-way',
          issuer: 'orders',
          owner: 'team-db',
          policy: 'slow',
          specification: { ownerRole: otherRole, database: 'postgres' },
          dependencies: [
            {
              dependent: 'reports',
              connector: 'dotenv',
              destination: { file: at('reports.env'), variable: 'HALF' },
            },
          ],
        },
        {
          name: 'shop',
          issuer: 'main',
          owner: 'team-shop',
          policy: quick.name,
          specification: { role: 'Viewer', validity: '1d' },
          dependencies: [
            {
              dependent: 'orders',
              connector: 'dotenv',
              destination: { file: at('orders.env'), variable: 'SHOP' },
            },
          ],
        },
      ],
    });
    const rotate = async (name: string): Promise<void> => {
      const asked = { kind: 'rotate', reason: 'first' };
      await installation.api.post(`/v1/secrets/acme/${name}/runs`, asked);
    };
    const look = { stateFolder: installation.folder };
    place = { ...look, key: readKeyFile(at('keys.json')).derive(inventoryPurpose) };
    const untilCurrent = (version: number): Promise<void> =>
      eventually(async () => {
        inventory = readInventory(place);
        const [half, ...others] = inventory.secrets.map(({ versions }) =>
          versions.find(({ current }) => current),
        );
        return half?.ordinal === version && others.every((one) => one?.ordinal === 1);
      });
    for (const name of ['orders-db', 'shop', 'half-way']) await rotate(name);
    await untilCurrent(1);
    await rotate('half-way');
    await untilCurrent(2);
    firstUrl = valueIn('orders.env');
    const said =
      await installation.api.get<{ part: string; fine: boolean; told: string }[]>('/v1/checks');
    expect(said).toContainEqual(expect.objectContaining({ part: 'inventory', fine: true }));
    await Promise.all(running.map((child) => end(child)));
  });
  afterAll(async () => {
    await installation.close();
    await server.close();
  });

  test('without the word, and without --direct, nothing is done', async () => {
    const rotor = rotorIn(installation);
    const asked = await rotor(['contain', secret, '--reason', 'x'], { env: gone });
    expect([asked.code, asked.err]).toEqual([2, expect.stringContaining('rotor compromise')]);
    const { code, err } = await contain();
    expect([code, err]).toEqual([2, expect.stringContaining('confirmation-needed')]);
    expect(err).toContain('orders (team-a)');
    expect(err).toContain('reports (team-a)');
    expect(await login(firstUrl)).toBe(true);
    expect(existsSync(at('contained'))).toBe(false);
  });

  test('an inventory that somebody changed is refused, and its age is told', async () => {
    const file = inventoryFile(place);
    const text = readFileSync(file, 'utf8');
    const changes = [
      text.replace('"orders-db"', '"others-db"'),
      `${text.split('\n').slice(0, -2).join('\n')}\n`,
    ];
    const hoursAgo = new Date(Date.now() - 3 * 3_600_000);
    for (const changed of changes) {
      writeFileSync(file, changed);
      utimesSync(file, hoursAgo, hoursAgo);
      const { code, err } = await contain(['--confirm', 'revoke']);
      expect([code, err]).toEqual([3, expect.stringContaining('inventory-changed')]);
      expect(err).toContain('it was last changed 3 h ago');
    }
    writeFileSync(file, text);
    expect(await login(firstUrl)).toBe(true);
  });

  test('what is not known is said: a secret, a version', async () => {
    const rotor = rotorIn(installation);
    const other = ['contain', 'acme/other', '--direct', '--reason', 'x', '--confirm', 'revoke'];
    expect((await rotor(other)).code).toBe(4);
    const { code, err } = await contain(['--version', 'v7', '--confirm', 'revoke']);
    expect([code, err]).toEqual([4, expect.stringContaining('it knows v1')]);
  });

  test('an old inventory is used, and says how old it is', async () => {
    await writeInventory(place, { ...inventory, writtenAt: new Date(Date.now() - 3 * 3_600_000) });
    const { code, err } = await contain();
    expect([code, err]).toEqual([2, expect.stringContaining('3 h old: what changed since')]);
    await writeInventory(place, inventory);
  });

  test('an issuer that is away is told, with an exit code that says to try again', async () => {
    const secrets = inventory.secrets.map((one) => ({ ...one, issuer: 'away' }));
    await writeInventory(place, { ...inventory, secrets });
    const { code, out, err } = await contain(['--confirm', 'revoke', '--json']);
    expect([code, JSON.parse(out)]).toEqual([
      6,
      expect.objectContaining({
        secret,
        outcomes: [expect.objectContaining({ outcome: 'failed', code: 'unreachable' })],
      }),
    ]);
    expect(err).toContain('away lists nothing');
    const [name = ''] = journals();
    expect(journalText(name)).toContain('"line":"failed"');
    rmSync(at('contained'), { recursive: true });
    await writeInventory(place, inventory);
  });

  test('killed between the call and its proof, the same command goes on', async () => {
    const role = `${ownerRole}_since`;
    await server.query(
      `create role ${role} login in role ${ownerRole};
       comment on role ${role} is '${inventory.installationId}/${randomUUID()}';
       create role ${ownerRole}_foreign login in role ${ownerRole}`,
    );
    installation.killAt('contain:called');
    const { ROTOR_KILL_AT } = installation.environment;
    const killed = await contain(['--confirm', 'revoke'], { ROTOR_KILL_AT });
    expect(killed.code).toBeNull();
    expect(await login(firstUrl)).toBe(false);
    const [torn = ''] = journals();
    expect(journalText(torn)).toMatch(/"line":"calling"[^\n]*\n$/);
    appendFileSync(at('contained', torn), '{"mac":"half a li');

    const { code, out, err } = await contain(['--confirm', 'revoke']);
    expect([code, out]).toEqual([0, expect.stringContaining('was gone already')]);
    expect(out).toContain(`minted since ${role}: revoked`);
    expect(out).toContain(`still there: ${ownerRole}_foreign`);
    expect(err).toContain('ends     v1 (current)');
    const left = await server.query<{ rolname: string }>(
      `select rolname from pg_roles where rolname like '${ownerRole}\\_%'`,
    );
    expect(left.map(({ rolname }) => rolname)).toEqual([`${ownerRole}_foreign`]);
    expect(journals()).toHaveLength(2);
  });

  test('the built-in authority needs its own PostgreSQL and the API, and no Temporal', async () => {
    const rotor = rotorIn(installation);
    const args = ['contain', 'acme/shop', '--direct', '--reason', 'x', '--confirm', 'revoke'];
    const without = await rotor(args, { env: gone });
    expect([without.code, without.out]).toEqual([6, expect.stringContaining('(unreachable)')]);
    const { TEMPORAL_ADDRESS } = gone;
    const api = installation.start('api', { TEMPORAL_ADDRESS });
    await installation.ready();
    const { code, out } = await rotor(args, { env: gone });
    expect([code, out]).toEqual([0, expect.stringContaining('1 of 1 contained')]);
    await end(api);
  });

  test('a rotation that was half way loses both of its versions', async () => {
    const args = ['contain', 'acme/half-way', '--direct', '--reason', 'x', '--confirm', 'revoke'];
    const { code, out } = await rotorIn(installation)(args, { env: gone });
    expect([code, out]).toEqual([0, expect.stringContaining('2 of 2 contained')]);
  });

  test('the next start takes it up, once: one run for each secret, which replaces it everywhere', async () => {
    const forged = signLines(randomBytes(32)).next({ line: 'begun', containmentId: randomUUID() });
    writeFileSync(at('contained', `${randomUUID()}.ndjson`), forged);
    installation.start('api');
    installation.start('worker');
    await installation.ready();
    const isReplaced = async (name: string): Promise<boolean> => {
      const shown = await installation.api.get<{ versions: Row[] }>(`/v1/secrets/acme/${name}`);
      const dead = shown.versions.slice(0, -1);
      const isCurrent = shown.versions.at(-1)?.['current'] === true;
      return isCurrent && dead.length > 0 && dead.every(({ state }) => state === 'revoked');
    };
    for (const name of ['orders-db', 'half-way', 'shop']) await eventually(() => isReplaced(name));
    for (const file of files) expect(await login(valueIn(file))).toBe(true);
    expect(valueIn('orders.env')).not.toBe(firstUrl);
    const runs = await installation.api.get<Row[]>('/v1/runs');
    const made = runs.filter(({ kind }) => kind === 'compromise');
    expect(made.map((run) => run['secret']).sort()).toEqual([
      'acme/half-way',
      'acme/orders-db',
      'acme/shop',
    ]);
    expect(made.find((run) => run['secret'] === secret)?.['requestedBy']).toMatch(
      /^jo \(directly, as .+, not authenticated\)$/,
    );
    const superseded = runs.filter(({ outcome }) => outcome === 'superseded');
    expect(superseded).toMatchObject([{ secret: 'acme/half-way', kind: 'rotate' }]);
    const { pool } = installation.database;
    expect((await pool.query(trail)).rows).toHaveLength(3);
    expect(journals('contained/reconciled')).toHaveLength(5);
    // The same once more, such as out of a copy of the folder.
    for (const name of journals('contained/reconciled'))
      cpSync(at('contained', 'reconciled', name), at('contained', name));
    const closed = async (): Promise<boolean> => {
      const found = await installation.api.get<Row[]>('/v1/findings?all=true');
      const those = found.filter(({ code }) => code === 'contained-directly');
      return those.length === 3 && those.every(({ closed }) => closed !== null);
    };
    // What nobody of ours has signed stays where it is.
    await eventually(async () => (await closed()) && journals().length === 1);
    expect((await pool.query(compromises)).rows).toHaveLength(3);
    expect((await pool.query(trail)).rows).toHaveLength(3);
    const audit = await installation.api.get<{ faults: Row[] }>('/v1/audit/verify');
    expect(audit.faults).toEqual([]);
  });

  test('no value is in the inventory, the journals, what was said or the logs', () => {
    const password = new URL(firstUrl).password;
    const texts = [
      readFileSync(inventoryFile(place), 'utf8'),
      ...journals('contained/reconciled').map((name) =>
        readFileSync(at('contained', 'reconciled', name), 'utf8'),
      ),
      ...said.flatMap(({ out, err }) => [out, err]),
      installation.log('worker'),
      installation.log('api'),
    ];
    expect(password.length).toBeGreaterThan(20);
    expect(texts.join('').length).toBeGreaterThan(5_000);
    expect(texts.filter((text) => text.includes(password))).toEqual([]);
  });
});
