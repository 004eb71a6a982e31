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

async function apply(secret: Partial<SecretDeclaration>) {
  const specification = secret.specification ?? { client: 'one', role: 'Viewer' };
  const declared: SecretDeclaration = {
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
  const declarations = {
    organizations: [
      {
        name: 'acme',
        policies: [],
        dependents: [{ name: 'app', owner: 'team', documentation: undefined }],
        secrets: [declared],
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
