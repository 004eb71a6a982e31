import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { generateIdentity } from 'age-encryption';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { SecretValue } from '../../domain/secret-value.js';
import { checkConfiguration } from '../../schemas/configuration.js';
import { storeKinds } from '../../stores/index.js';
import type { Settings } from '../../workers/settings.js';
import { lookAtStores, openStores, type Stores } from '../../workers/stores.js';
import { newFolder, type Folder } from '../connectors/places.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

const none = {
  issuerKinds: [],
  connectorKinds: [],
  channelKinds: [],
  placeKinds: [],
  isInstalled: () => true,
};

let database: TestDatabase;
let place: Folder;
beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  place = newFolder();
  mkdirSync(place.file('values'), { mode: 0o700 });
  writeFileSync(place.file('identity'), await generateIdentity(), { mode: 0o600 });
  await database.ownerPool.query('truncate sealed.values, sealed.places');
});
afterEach(() => place.remove());

function open(document: object): Stores {
  const checked = checkConfiguration(document, { ...none, storeKinds });
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  const key = { kid: 'first', key: new Uint8Array(32).fill(7) };
  const { pool } = database;
  const settings = { configuration: checked.value } as Settings;
  return openStores(settings, { pool, database: pool, keys: () => [key] });
}

const look = (store: Stores): Promise<string> =>
  lookAtStores({ pool: database.pool, store, newId: randomUUID });

const file = () => ({
  kind: 'file',
  folder: place.file('values'),
  identityFile: place.file('identity'),
});

test('without a word about stores, values go into the database', async () => {
  const versionId = randomUUID();
  await open({}).put(versionId, new SecretValue('x'));
  expect(await look(open({}))).toBe('new values go into sealed');
});

test('doctors tell where values lie, and name a place that is not configured', async () => {
  const versionId = randomUUID();
  await open({ store: file() }).put(versionId, new SecretValue('x'));
  const there = `file ${place.file('values')}`;
  expect(await look(open({ store: file() }))).toBe(
    `new values go into ${there}; 1 values lie in ${there}`,
  );
  await expect(look(open({}))).rejects.toMatchObject({
    code: 'store-not-configured',
    message: `not in rotor.yaml: 1 values lie in ${there}`,
  });
  const changed = open({ formerStores: [file()] });
  expect(await look(changed)).toBe(`new values go into sealed; 1 values lie in ${there}`);
  expect((await changed.get(versionId))?.reveal()).toBe('x');
});

test('a store of new values that does not answer is told before the first value is put', async () => {
  renameSync(place.file('values'), place.file('away'));
  await expect(look(open({ store: file() }))).rejects.toMatchObject({ code: 'unreadable' });
});

test('of a wrong store everything is told at once', () => {
  const document = {
    store: { kind: 'fiel' },
    formerStores: [{ kind: 'file', folder: 'relative', identityFile: '/x' }],
  };
  const checked = checkConfiguration(document, { ...none, storeKinds });
  expect('problems' in checked && checked.problems).toMatchObject([
    { path: 'store', hint: 'did you mean file?' },
    { path: 'formerStores.0.folder', message: 'expected an absolute path' },
  ]);
});
