/** What every store owes to rotor, as named checks: a new store is held to it by listing them in a test. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';
import type { Store } from '../../domain/store.js';

export interface StoreCheck {
  readonly name: string;
  /** Rejects where the store breaks the contract. Uses versions of its own. */
  check(store: Store): Promise<void>;
}

const awkward = 'a "b" \\ \n\t€ 🗝 \u0000 =';

export const storeContract: readonly StoreCheck[] = [
  {
    name: 'gives back exactly what was put',
    async check(store) {
      for (const text of ['plain', awkward, 'x'.repeat(100_000)]) {
        const versionId = randomUUID();
        await store.put(versionId, new SecretValue(text));
        assert.equal((await store.get(versionId))?.reveal(), text);
      }
    },
  },
  {
    name: 'knows nothing of a version that was never put',
    async check(store) {
      await store.put(randomUUID(), new SecretValue('of another version'));
      assert.equal(await store.get(randomUUID()), undefined);
    },
  },
  {
    name: 'takes the same value again',
    async check(store) {
      const versionId = randomUUID();
      await store.put(versionId, new SecretValue('same'));
      await store.put(versionId, new SecretValue('same'));
      assert.equal((await store.get(versionId))?.reveal(), 'same');
    },
  },
  {
    name: 'refuses another value and keeps the first, without telling either',
    async check(store) {
      const versionId = randomUUID();
      await store.put(versionId, new SecretValue('the-first-value'));
      const error: unknown = await store.put(versionId, new SecretValue('the-other-value')).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof AdapterError && error.code === 'refused');
      assert.doesNotMatch(inspect(error), /the-(first|other)-value/);
      assert.equal((await store.get(versionId))?.reveal(), 'the-first-value');
    },
  },
  {
    name: 'keeps one of two values that are put at once',
    async check(store) {
      const versionId = randomUUID();
      const texts = ['one', 'two'];
      const ends = await Promise.allSettled(
        texts.map((text) => store.put(versionId, new SecretValue(text))),
      );
      const kept = texts.filter((_, index) => ends[index]?.status === 'fulfilled');
      assert.equal(kept.length, 1);
      assert.equal((await store.get(versionId))?.reveal(), kept[0]);
    },
  },
  {
    name: 'destroys one version, and again, and no other',
    async check(store) {
      const [versionId, other] = [randomUUID(), randomUUID()];
      await store.put(versionId, new SecretValue('to be destroyed'));
      await store.put(other, new SecretValue('stays'));
      await store.destroy(versionId);
      await store.destroy(versionId);
      assert.equal(await store.get(versionId), undefined);
      assert.equal((await store.get(other))?.reveal(), 'stays');
    },
  },
  {
    name: 'does not show a value when it is printed',
    async check(store) {
      const versionId = randomUUID();
      await store.put(versionId, new SecretValue('never-printed'));
      const shown = [inspect(store, { depth: 9 }), inspect(await store.get(versionId))];
      assert.doesNotMatch(shown.join(), /never-printed/);
    },
  },
];
