import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import { placedStore, placesInUse } from '../../infra/registry/value-places.js';
import { openSealedStore } from '../../stores/sealed/index.js';
import { storeContract } from '../contracts/store.js';
import { memoryStore } from '../engine/memory.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;
let sealed: Store;
let vault: ReturnType<typeof memoryStore>;
let files: ReturnType<typeof memoryStore>;
beforeAll(async () => {
  database = await openDatabase();
  const key = { kid: 'first', key: new Uint8Array(32).fill(7) };
  sealed = openSealedStore({ database: database.pool, keys: () => [key] });
});
afterAll(() => database.close());
beforeEach(async () => {
  [vault, files] = [memoryStore(), memoryStore()];
  await database.ownerPool.query('truncate sealed.values, sealed.places');
});

type Known = 'vault' | 'files';

/** With new values in one, and the others as former ones. */
function open(chosen?: Known, ...former: Known[]): Store {
  const at = { vault, files };
  return placedStore({
    pool: database.pool,
    sealed,
    chosen: chosen === undefined ? undefined : { place: chosen, store: at[chosen] },
    formerAt: (place) => former.filter((one) => one === place).map((one) => at[one])[0],
  });
}

const value = (text: string): SecretValue => new SecretValue(text);

describe.each([undefined, 'vault'] as const)('new values in %s keep the contract', (chosen) => {
  for (const { name, check } of storeContract) test(name, () => check(open(chosen)));
});

describe('where a value lies', () => {
  test('is known after the configuration changed, to another store and back', async () => {
    const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()];
    await open().put(one, value('in the database'));
    await open('vault').put(two, value('in the vault'));
    await open('files', 'vault').put(three, value('in files'));
    expect([...vault.values.keys(), ...files.values.keys()]).toEqual([two, three]);
    for (const store of [open('files', 'vault'), open(undefined, 'vault', 'files')]) {
      expect((await store.get(one))?.reveal()).toBe('in the database');
      expect((await store.get(two))?.reveal()).toBe('in the vault');
      expect((await store.get(three))?.reveal()).toBe('in files');
    }
    expect(await placesInUse(database.pool)).toEqual([
      { place: 'files', values: 1, one: three },
      { place: 'vault', values: 1, one: two },
    ]);
    for (const id of [one, two, three]) await open('files', 'vault').destroy(id);
    expect([vault.values.size, files.values.size]).toEqual([0, 0]);
    expect(await placesInUse(database.pool)).toEqual([]);
    expect(await sealed.get(one)).toBeUndefined();
  });

  test('is named where it is not configured, and nothing takes it for lost', async () => {
    const versionId = randomUUID();
    await open('vault').put(versionId, value('in the vault'));
    for (const work of [
      open('files').get(versionId),
      open().put(versionId, value('in the vault')),
      open('files').destroy(versionId),
    ])
      await expect(work).rejects.toMatchObject({
        code: 'unreadable',
        message: expect.stringContaining('the value lies in vault'),
      });
    expect((await open('vault').get(versionId))?.reveal()).toBe('in the vault');
  });

  test('stays what it was for an attempt that is repeated after the configuration changed', async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    await open().put(one, value('first'));
    await open('vault').put(one, value('first'));
    await open('vault').put(two, value('second'));
    await open('files', 'vault').put(two, value('second'));
    expect([...vault.values.values()]).toEqual(['second']);
    expect(files.values.size).toBe(0);
    await expect(open('vault').put(one, value('other'))).rejects.toMatchObject({
      code: 'refused',
    });
  });

  test('is found again by a database that was set back', async () => {
    const versionId = randomUUID();
    await open('vault').put(versionId, value('later'));
    await database.ownerPool.query('truncate sealed.places');
    expect((await open('vault').get(versionId))?.reveal()).toBe('later');
    await open('vault').destroy(versionId);
    expect(vault.values.size).toBe(0);
  });
});
