import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import { fingerprinted, identify } from '../../infra/registry/fingerprints.js';
import { keptValue } from '../../infra/registry/kept-values.js';
import { memoryStore } from '../engine/memory.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;
const kept = randomUUID();
const value = new SecretValue('displaced by a write');
const key = Buffer.alloc(32, 1);
beforeEach(async () => {
  database = await openDatabase();
  await database.ownerPool.query(
    `with o as (insert into rotor.organizations (name) values ('acme') returning id),
       s as (insert into rotor.secrets (organization_id, name, owner, issuer, specification)
         select id, n, 'team', 'main', '{}' from o cross join (values ('api'), ('other')) names (n)
         returning id, name)
     insert into rotor.findings (secret_id, code, about, message, severity)
       select id, 'unknown-value', $1, 'held a value that rotor does not know', 'warning'
       from s where name = 'api'`,
    [kept],
  );
});
afterEach(() => database.close());

function storeOf() {
  return fingerprinted(memoryStore(), { pool: database.pool, key });
}

test('what a write displaced is had back by its id, for its own secret alone', async () => {
  const store = storeOf();
  await store.put(kept, value);
  const ask = (secret: string, id = kept) =>
    keptValue({ pool: database.pool, store }, { organization: 'acme', secret, kept: id });
  expect((await ask('api')).reveal()).toBe(value.reveal());
  for (const unknown of [ask('other'), ask('api', randomUUID())])
    await expect(unknown).rejects.toMatchObject({ code: 'no-such-value' });
});

test('identify knows it, and one old value that does not open hides no other', async () => {
  const store = storeOf();
  await store.put(kept, value);
  await database.ownerPool.query(
    `insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
     select gen_random_uuid(), id, 1, 'pending', 'minted', 'sealed' from rotor.secrets where name = 'api'`,
  );
  const unreadable = new AdapterError('unreadable', 'the key file is old');
  const get = (id: string) => (id === kept ? store.get(id) : Promise.reject(unreadable));
  const parts = { pool: database.pool, key, store: { ...store, get } };
  expect(await identify(parts, value, 'acme')).toMatchObject([
    { secret: 'acme/api', version: 'no version', state: `kept as ${kept}`, current: false },
  ]);
  await expect(identify(parts, value, 'elsewhere')).rejects.toMatchObject({
    code: 'no-such-value',
  });
});
