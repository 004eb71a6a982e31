import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';
import type { SealedKey } from '../../stores/database.js';
import { openSealedStore } from '../../stores/sealed/index.js';
import { storeContract } from '../contracts/store.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());

const first: SealedKey = { kid: 'first', key: randomBytes(32) };
const second: SealedKey = { kid: 'second', key: randomBytes(32) };

function open(...keys: [SealedKey, ...SealedKey[]]) {
  return openSealedStore({ database: database.pool, keys: () => keys });
}

async function rows(): Promise<{ version_id: string; kid: string; jwe: string }[]> {
  const found = await database.ownerPool.query<{ version_id: string; kid: string; jwe: string }>(
    'select version_id, kid, jwe from sealed.values',
  );
  return found.rows;
}

describe('the sealed store keeps the contract', () => {
  for (const { name, check } of storeContract) {
    test(name, () => check(open(first)));
  }
});

describe('the sealed store', () => {
  test('leaves no value in the database, and a JWE with the version in its header', async () => {
    const versionId = randomUUID();
    await open(first).put(versionId, new SecretValue('legible-in-a-dump'));
    const row = (await rows()).find(({ version_id }) => version_id === versionId);
    const dump = JSON.stringify(await rows());
    expect(dump).not.toContain('legible-in-a-dump');
    expect(dump).not.toContain(Buffer.from('legible-in-a-dump').toString('base64url'));
    const [header = ''] = row?.jwe.split('.') ?? [];
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: 'first',
      ver: versionId,
    });
  });

  test("refuses another version's value in a version's row", async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const store = open(first);
    await store.put(one, new SecretValue('of one'));
    await store.put(other, new SecretValue('of another'));
    await database.ownerPool.query(
      `update sealed.values set jwe = (select jwe from sealed.values where version_id = $2)
       where version_id = $1`,
      [one, other],
    );
    await expect(store.get(one)).rejects.toMatchObject({ code: 'unreadable' });
    await expect(store.get(other)).resolves.toBeDefined();
    await store.destroy(one);
  });

  test('refuses a value of which one character was changed', async () => {
    const versionId = randomUUID();
    const store = open(first);
    await store.put(versionId, new SecretValue('whole'));
    const [row] = (await rows()).filter(({ version_id }) => version_id === versionId);
    const parts = row?.jwe.split('.') ?? [];
    const text = parts[3] ?? '';
    parts[3] = (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
    await database.ownerPool.query('update sealed.values set jwe = $2 where version_id = $1', [
      versionId,
      parts.join('.'),
    ]);
    await expect(store.get(versionId)).rejects.toMatchObject({ code: 'unreadable' });
    await store.destroy(versionId);
  });

  test('says so where a key is missing, and opens everything with the new one after resealing', async () => {
    await database.ownerPool.query('delete from sealed.values');
    const [old, young] = [randomUUID(), randomUUID()];
    await open(first).put(old, new SecretValue('old'));
    const rotated = open(second, first);
    await rotated.put(young, new SecretValue('young'));
    await expect(open(second).get(old)).rejects.toMatchObject({ code: 'unreadable' });
    const reseal = () => rotated.reseal(() => undefined);
    expect(await reseal()).toEqual({ resealed: 1, unopened: 0 });
    expect(await reseal()).toEqual({ resealed: 0, unopened: 0 });
    expect((await rows()).map(({ kid }) => kid)).toEqual(['second', 'second']);
    expect((await open(second).get(old))?.reveal()).toBe('old');
    expect((await open(second).get(young))?.reveal()).toBe('young');
  });
});

describe('a key that is left behind', () => {
  const ignore = (): void => undefined;

  beforeEach(async () => {
    await database.ownerPool.query('delete from sealed.values');
  });

  async function drop({ kid }: SealedKey): Promise<void> {
    await database.pool.query(
      'update sealed.keys set usable = false, dropped_at = clock_timestamp() where kid = $1',
      [kid],
    );
  }

  test('is resealed in batches, with what others seal meanwhile and without what nobody opens', async () => {
    const lost: SealedKey = { kid: 'lost', key: randomBytes(32) };
    const ids = Array.from({ length: 450 }, () => randomUUID());
    await Promise.all(ids.map((id) => open(first).put(id, new SecretValue(id))));
    await open(lost).put(randomUUID(), new SecretValue('lost'));
    const late = '00000000-0000-4000-8000-000000000000';
    const batches: number[] = [];
    const meanwhile = openSealedStore({
      database: {
        query: async <R extends object>(text: string, values: unknown[]) => {
          if (text.includes('update') && batches.length === 0)
            await open(first).put(late, new SecretValue('late'));
          return database.pool.query<R>(text, values);
        },
      },
      keys: () => [second, first],
    });
    const done = await meanwhile.reseal((count) => batches.push(count));
    expect(done).toEqual({ resealed: 451, unopened: 1 });
    expect(batches.length).toBeGreaterThanOrEqual(4);
    const kids = (await rows()).map(({ kid }) => kid);
    expect(kids.filter((kid) => kid !== 'second')).toEqual(['lost']);
    for (const id of [...ids.slice(0, 3), late])
      expect((await open(second).get(id))?.reveal()).toBe(id === late ? 'late' : id);
  });

  test('is not dropped while a value needs it, and seals nothing once it is', async () => {
    const old: SealedKey = { kid: 'old', key: randomBytes(32) };
    const versionId = randomUUID();
    await open(old).put(versionId, new SecretValue('needed'));
    await expect(drop(old)).rejects.toMatchObject({ code: '23503' });
    await open(second, old).reseal(ignore);
    await drop(old);
    const refused = open(old).put(randomUUID(), new SecretValue('too late'));
    await expect(refused).rejects.toMatchObject({ code: 'unreadable' });
    await expect(
      database.pool.query(`update sealed.keys set usable = true, dropped_at = null`),
    ).rejects.toMatchObject({ code: '23514' });
  });

  test('a value that is sealed with it as it is dropped is sealed with the new one', async () => {
    const old: SealedKey = { kid: 'older', key: randomBytes(32) };
    await open(old).put(randomUUID(), new SecretValue('first'));
    await open(second, old).reseal(ignore);
    await drop(old);
    // The file is read, then replaced, then the row is written.
    const asked: [SealedKey][] = [[old], [second], [second]];
    const store = openSealedStore({
      database: database.pool,
      keys: () => asked.shift() ?? [second],
    });
    const versionId = randomUUID();
    await store.put(versionId, new SecretValue('whole'));
    expect((await open(second).get(versionId))?.reveal()).toBe('whole');
  });

  test('a value that is read as it is resealed opens', async () => {
    const versionId = randomUUID();
    await open(first).put(versionId, new SecretValue('whole'));
    let isRead = false;
    const store = openSealedStore({
      database: {
        query: async <R extends object>(text: string, values: unknown[]) => {
          const found = await database.pool.query<R>(text, values);
          if (!isRead) await open(second, first).reseal(ignore);
          isRead = true;
          return found;
        },
      },
      keys: () => [second],
    });
    expect((await store.get(versionId))?.reveal()).toBe('whole');
  });
});

/** Each breaks one promise; a contract that lets one pass promises nothing. */
const broken: Readonly<Record<string, (store: Store) => Partial<Store>>> = {
  'puts over what is there': (store) => ({
    put: async (versionId, value) => {
      await store.destroy(versionId);
      await store.put(versionId, value);
    },
  }),
  'says nothing where another value is there': (store) => ({
    put: (versionId, value) => store.put(versionId, value).catch(() => undefined),
  }),
  'tells the value in its refusal': (store) => ({
    put: (versionId, value) =>
      store.put(versionId, value).catch((error: unknown) => {
        if (error instanceof Error) error.message += value.reveal();
        throw error;
      }),
  }),
  'trims values': (store) => ({
    put: (versionId, value) => store.put(versionId, new SecretValue(value.reveal().trim() + '!')),
  }),
  'does not destroy': () => ({ destroy: () => Promise.resolve() }),
  'throws where there is nothing to destroy': (store) => ({
    destroy: async (versionId) => {
      if ((await store.get(versionId)) === undefined) throw new Error('nothing there');
      await store.destroy(versionId);
    },
  }),
  'makes up values': (store) => ({
    get: async (versionId) => (await store.get(versionId)) ?? new SecretValue(''),
  }),
};

describe('the contract of stores fails a store that', () => {
  for (const [name, breakIt] of Object.entries(broken)) {
    test(name, async () => {
      const sound = open(first);
      const store: Store = { ...sound, ...breakIt(sound) };
      const ends = await Promise.allSettled(storeContract.map(({ check }) => check(store)));
      expect(ends.map(({ status }) => status)).toContain('rejected');
    });
  }
});
