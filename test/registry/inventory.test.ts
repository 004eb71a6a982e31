import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { DependencyDeclaration, SecretDeclaration } from '../../domain/declarations.js';
import { openAudit } from '../../infra/registry/audit.js';
import { knownOrganizations } from '../../infra/registry/inventory-known.js';
import { applyDeclarations } from '../../infra/registry/inventory.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;
const audit = openAudit(Buffer.alloc(32));

beforeEach(async () => {
  database = await openDatabase();
});
afterEach(() => database.close());

/** An issuer whose secrets name a client. */
function principalOf(_issuer: string, specification: unknown): string {
  return `client ${String((specification as Record<string, unknown>)['client'])}`;
}

const onFile: DependencyDeclaration = {
  dependent: 'app',
  connector: 'memory',
  destination: { place: 'x' },
  identity: 'x',
  assignment: undefined,
  wave: undefined,
  owner: undefined,
  documentation: undefined,
  leastEvidence: undefined,
  seenAs: undefined,
  usesAtLeastEveryMs: undefined,
  picksUpWithinMs: 0,
};

function declared(secret: Partial<SecretDeclaration>): SecretDeclaration {
  const specification = secret.specification ?? { client: 'one', role: 'Viewer' };
  return {
    name: 'api',
    owner: 'team',
    issuer: 'main',
    specification,
    principal: principalOf('main', specification),
    documentation: undefined,
    labels: {},
    policy: undefined,
    schedule: undefined,
    notWith: [],
    dependencies: [],
    ...secret,
  };
}

async function apply(...secrets: readonly Partial<SecretDeclaration>[]) {
  const declarations = {
    organizations: [
      {
        name: 'acme',
        policies: [],
        dependents: [{ name: 'app', owner: 'team', documentation: undefined }],
        secrets: secrets.map(declared),
      },
    ],
  };
  const { pool } = database;
  return applyDeclarations(
    { pool, audit, principalOf },
    { declarations, by: 'test', dryRun: false, mayLoosen: false },
  );
}

async function secretRow(): Promise<{ id: string; issuer: string; specification: unknown }> {
  const { rows } = await database.pool.query<{
    id: string;
    issuer: string;
    specification: unknown;
  }>('select id, issuer, specification from rotor.secrets');
  if (rows[0] === undefined) throw new Error('there is no secret');
  return rows[0];
}

async function addVersion(): Promise<string> {
  const id = randomUUID();
  await database.pool.query(
    `insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
     select $1, id, 1, 'pending', 'minted', 'unknown' from rotor.secrets`,
    [id],
  );
  return id;
}

test.each([
  ['issuer', { issuer: 'other' }],
  ['specification', { specification: { client: 'two', role: 'Viewer' } }],
])(
  'a secret whose first version is made meanwhile keeps its %s where it names the place',
  async (_, change) => {
    await apply({});
    await addVersion();

    await expect(apply({ ...change, owner: 'another' })).rejects.toMatchObject({
      code: 'declarations-raced',
      message:
        'a version of acme/api was made elsewhere while this was applied; nothing was changed',
      hint: 'apply again',
    });

    expect(await secretRow()).toMatchObject({
      issuer: 'main',
      specification: { client: 'one', role: 'Viewer' },
    });
  },
);

test('what is known of an organization: its policies, who is not retired, and where live versions are', async () => {
  const { pool } = database;
  const known = () => knownOrganizations({ pool, principalOf }, ['acme', 'nobody']);
  expect(await known()).toEqual(new Map());
  await apply({});
  expect((await known()).get('acme')).toEqual({
    policies: new Map(),
    dependents: new Set(['app']),
    origins: new Map(),
    secrets: new Set(['api']),
  });
  await addVersion();
  expect((await known()).get('acme')?.origins).toEqual(
    new Map([['api', { issuer: 'main', principal: 'client one' }]]),
  );
});

test.each([
  ['policy', { policy: 'gone' }, 'policy gone was removed'],
  [
    'dependent',
    { dependencies: [{ ...onFile, dependent: 'ghost' }] },
    'dependent ghost was retired',
  ],
])('a %s that goes away meanwhile: nothing is changed', async (_, secret, what) => {
  await expect(apply(secret)).rejects.toMatchObject({
    code: 'declarations-raced',
    message: `${what} while this was applied; nothing was changed`,
  });
  const { rows } = await database.pool.query('select from rotor.organizations');
  expect(rows).toHaveLength(0);
});

test('what does not name the place may change while a version lives', async () => {
  await apply({});
  await addVersion();
  await apply({ specification: { client: 'one', role: 'Contributor' } });
  expect(await secretRow()).toMatchObject({ specification: { role: 'Contributor' } });
});

test('a secret whose versions all ended may be declared elsewhere', async () => {
  await apply({});
  const version = await addVersion();
  await database.pool.query(
    `update rotor.versions set state = 'ended', ended_cause = 'never-minted' where id = $1`,
    [version],
  );
  await apply({ issuer: 'other', specification: { client: 'two' } });
  expect(await secretRow()).toMatchObject({ issuer: 'other', specification: { client: 'two' } });
});

/** Whoever waits for a lock in this database. */
async function somebodyWaits(): Promise<void> {
  for (;;) {
    const { rows } = await database.ownerPool.query(
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    if (rows.length > 0) return;
    await pause(10);
  }
}

test('declaring during a delivery waits for it, and neither is a deadlock', async () => {
  await apply({ dependencies: [onFile] });
  const { id: secretId } = await secretRow();
  const delivery = await database.pool.connect();
  await delivery.query('begin');
  await delivery.query('select 1 from rotor.destinations for update');
  const declaring = apply({ owner: 'another', dependencies: [onFile] });
  await somebodyWaits();

  await delivery.query('select 1 from rotor.secrets where id = $1 for update', [secretId]);
  await delivery.query('commit');
  delivery.release();

  expect((await declaring).changes).toMatchObject([
    { change: 'change', kind: 'secret', fields: ['owner'] },
    { change: 'change', kind: 'dependency', fields: ['owner'] },
  ]);
});

/** Whoever locks several rows of a table by id gets the first one, then the rest while declarations are applied. */
async function lockedByIdDuring(table: string, applying: () => Promise<unknown>): Promise<void> {
  const rest = `select 1 from rotor.${table} order by id for update`;
  const other = await database.pool.connect();
  await other.query('begin');
  await other.query(`select 1 from rotor.${table} order by id limit 1 for update`);
  const applied = applying();
  await somebodyWaits();
  const locked = await other.query(rest).finally(() => other.query('commit'));
  other.release();
  expect(locked.rowCount).toBe(2);
  await applied;
}

test('destinations are locked by id, as a group of deliveries locks them, whatever their identities', async () => {
  const ids = {
    a: 'ffffffff-0000-4000-8000-000000000000',
    b: '00000000-0000-4000-8000-000000000000',
  };
  for (const [identity, id] of Object.entries(ids))
    await database.pool.query(
      `insert into rotor.destinations (id, connector, identity, address) values ($1, 'memory', $2, '{}')`,
      [id, identity],
    );
  const dependencies = Object.keys(ids).map((identity) => ({ ...onFile, identity }));
  await lockedByIdDuring('destinations', () => apply({ dependencies }));
  const { rows } = await database.pool.query<{ identity: string; destination_id: string }>(
    `select t.identity, d.destination_id, t.address from rotor.dependencies d
     join rotor.destinations t on t.id = d.destination_id order by 1`,
  );
  expect(rows).toEqual(
    Object.entries(ids).map(([identity, id]) => ({
      identity,
      destination_id: id,
      address: onFile.destination,
    })),
  );
});

test('secrets are locked by id, as those that are not to rotate together are, in whichever order they are declared', async () => {
  await apply({ name: 'one' }, { name: 'two' });
  const { rows } = await database.pool.query<{ name: string }>(
    'select name from rotor.secrets order by id desc',
  );
  const secrets = rows.map(({ name }) => ({ name, owner: 'another' }));
  await lockedByIdDuring('secrets', () => apply(...secrets));
});

test('declaring does not hold up who withholds a dependent under the lock of its secret, and neither is a deadlock', async () => {
  await apply({ dependencies: [onFile] });
  const { id: secretId } = await secretRow();
  const excluding = await database.pool.connect();
  await excluding.query('begin');
  await excluding.query('select 1 from rotor.secrets where id = $1 for update', [secretId]);
  const declaring = apply({ owner: 'another', dependencies: [onFile] });
  await somebodyWaits();
  await excluding
    .query(
      `insert into rotor.withholdings (dependent_id, secret_id, withheld_by, reason)
       select id, $1, 'ann', 'it leaked' from rotor.dependents`,
      [secretId],
    )
    .finally(() => excluding.query('commit'));
  excluding.release();
  expect((await declaring).changes).not.toEqual([]);
});
