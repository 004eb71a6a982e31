/** What every connector owes to rotor, as named checks: a new connector is held to it by listing them in a test. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { Connector, Destination, KnownValue } from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';

/** A connector, with real places to write to. */
export interface ConnectorUnderTest {
  readonly connector: Connector;
  /** A new place that can be written, and holds nothing yet. */
  place(): Promise<Destination>;
  /** A place that cannot be written as it is. */
  absent(): Promise<Destination>;
  /** Somebody else writes the place. Undefined where others cannot. */
  readonly plant: ((destination: Destination, text: string) => Promise<void>) | undefined;
}

export interface ConnectorCheck {
  readonly name: string;
  /** Rejects where the connector breaks the contract. */
  check(subject: ConnectorUnderTest): Promise<void>;
}

const signal = AbortSignal.timeout(600_000);

function version(text: string = `value-${randomUUID()}`): KnownValue {
  return { versionId: randomUUID(), value: new SecretValue(text) };
}

async function idsHeld(
  connector: Connector,
  destination: Destination,
  known: readonly KnownValue[],
): Promise<string[]> {
  return [...(await connector.held(destination, known)).versionIds];
}

async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

const awkward = [
  'with space',
  ' outer space ',
  'a#b',
  'a #b',
  'a=b',
  '$HOME ${HOME} `id`',
  String.raw`back\slash\n`,
  String.raw`ends\ `.trim(),
  '"quoted"',
  "it's",
  `both " and '`,
  'all " and \' and `',
  `all " and ' and \` over two\nlines`,
  'two\nlines',
  'carriage\r\nreturn',
  '€🗝',
  'a,b;c',
  '{"a":1}',
  'x'.repeat(20_000),
];

export const connectorContract: readonly ConnectorCheck[] = [
  {
    name: 'holds nothing before anything was delivered',
    async check({ connector, place }) {
      const held = await connector.held(await place(), [version()]);
      assert.deepEqual([held.versionIds, held.unknown, held.attests], [[], [], undefined]);
    },
  },
  {
    name: 'holds the version that was delivered, once, however often it is delivered',
    async check({ connector, place }) {
      const destination = await place();
      const [one, other] = [version(), version()];
      const known = [other, one];
      for (let time = 0; time < 3; time += 1) {
        await connector.deliver({ destination, version: one, known, signal });
        assert.deepEqual(await idsHeld(connector, destination, known), [one.versionId]);
      }
      assert.deepEqual((await connector.held(destination, known)).unknown, []);
    },
  },
  {
    name: 'attests exactly where its traits say so',
    async check({ connector, place }) {
      const destination = await place();
      const one = version();
      await connector.deliver({ destination, version: one, known: [one], signal });
      const { attests } = await connector.held(destination, [one]);
      const { evidence } = connector.traits(destination);
      assert.equal(attests, evidence === 'attested' ? one.versionId : undefined);
    },
  },
  {
    name: 'puts the new version before the old one in a list, and in its place elsewhere',
    async check({ connector, place }) {
      const destination = await place();
      const [old, young] = [version(), version()];
      const known = [old, young];
      for (const one of known)
        await connector.deliver({ destination, version: one, known, signal });
      const both = [young.versionId, old.versionId];
      const { holdsSeveral } = connector.traits(destination);
      const wanted = holdsSeveral ? both : [young.versionId];
      assert.deepEqual(await idsHeld(connector, destination, known), wanted);
    },
  },
  {
    name: 'forgets the old version, again and again, and never the only one',
    async check({ connector, place }) {
      const destination = await place();
      const [old, young] = [version(), version()];
      const known = [old, young];
      for (const one of known)
        await connector.deliver({ destination, version: one, known, signal });
      for (const one of [old, old, young]) {
        await connector.forget({ destination, version: one, known, signal });
        assert.deepEqual(await idsHeld(connector, destination, known), [young.versionId]);
      }
    },
  },
  {
    name: 'withdraws the only version where nothing follows, again and again, and no other value',
    async check({ connector, place }) {
      const destination = await place();
      const [old, young] = [version(), version()];
      const known = [old, young];
      await connector.deliver({ destination, version: young, known, signal });
      for (const [one, left] of [
        [old, [young.versionId]],
        [young, []],
        [young, []],
      ] as const) {
        await connector.withdraw({ destination, version: one, known, signal });
        assert.deepEqual(await idsHeld(connector, destination, known), left);
      }
      assert.deepEqual((await connector.held(destination, known)).unknown, []);
      await connector.deliver({ destination, version: old, known, signal });
      assert.deepEqual(await idsHeld(connector, destination, known), [old.versionId]);
    },
  },
  {
    name: "tells somebody else's value, and keeps it in a list",
    async check({ connector, place, plant }) {
      if (plant === undefined) return;
      const destination = await place();
      const [old, young] = [version(), version()];
      const known = [old, young];
      await plant(destination, 'of-somebody-else');
      const before = await connector.held(destination, known);
      assert.deepEqual(
        before.unknown.map((value) => value.reveal()),
        ['of-somebody-else'],
      );
      assert.doesNotMatch(inspect(before, { depth: 9 }), /of-somebody-else/);
      for (const one of known)
        await connector.deliver({ destination, version: one, known, signal });
      await connector.forget({ destination, version: old, known, signal });
      const after = await connector.held(destination, known);
      assert.deepEqual(after.versionIds, [young.versionId]);
      const kept = connector.traits(destination).holdsSeveral ? ['of-somebody-else'] : [];
      assert.deepEqual(
        after.unknown.map((value) => value.reveal()),
        kept,
      );
    },
  },
  {
    name: 'fails with a code at a place that is not there, and tells no value',
    async check({ connector, absent }) {
      const destination = await absent();
      const one = version('never-told');
      for (const work of [
        () => connector.deliver({ destination, version: one, known: [one], signal }),
        () => connector.held(destination, [one]),
      ]) {
        const reason = await reasonOf(work());
        assert.ok(reason instanceof AdapterError, inspect(reason));
        assert.doesNotMatch(inspect(reason, { depth: 9 }), /never-told/);
      }
    },
  },
  {
    name: 'carries on where another place failed',
    async check({ connector, place, absent }) {
      const one = version();
      const [missing, destination] = [await absent(), await place()];
      await reasonOf(
        connector.deliver({ destination: missing, version: one, known: [one], signal }),
      );
      await connector.deliver({ destination, version: one, known: [one], signal });
      assert.deepEqual(await idsHeld(connector, destination, [one]), [one.versionId]);
    },
  },
  {
    name: 'writes awkward values exactly, or refuses them and changes nothing',
    async check({ connector, place }) {
      const destination = await place();
      const sound = version();
      await connector.deliver({ destination, version: sound, known: [sound], signal });
      let first = sound;
      for (const text of awkward) {
        const one = version(text);
        const known = [sound, first, one];
        const reason = await reasonOf(
          connector.deliver({ destination, version: one, known, signal }),
        );
        if (reason === undefined) first = one;
        else assert.ok(reason instanceof AdapterError && reason.code === 'refused', text);
        const held = await connector.held(destination, [...known]);
        assert.equal(held.versionIds[0], first.versionId, JSON.stringify(text));
        if (first !== sound && connector.traits(destination).holdsSeveral)
          await connector.forget({ destination, version: sound, known, signal });
      }
    },
  },
];

/** Each breaks one promise; a contract that lets one pass promises nothing. */
export const brokenConnectors: Readonly<Record<string, (sound: Connector) => Partial<Connector>>> =
  {
    'delivers nothing': () => ({ deliver: () => Promise.resolve() }),
    'withdraws nothing': () => ({ withdraw: () => Promise.resolve() }),
    'delivers another value': (sound) => ({
      deliver: (delivery) =>
        sound.deliver({ ...delivery, version: { ...delivery.version, ...version('wrong') } }),
    }),
    'holds whatever is asked for': () => ({
      held: (_, known) =>
        Promise.resolve({
          versionIds: known.map(({ versionId }) => versionId),
          unknown: [],
          attests: undefined,
        }),
    }),
    'hides failures': (sound) => ({
      deliver: (delivery) => sound.deliver(delivery).catch(() => undefined),
      held: (destination, known) =>
        sound
          .held(destination, known)
          .catch(() => ({ versionIds: [], unknown: [], attests: undefined })),
    }),
    'tells the value where it fails': (sound) => ({
      deliver: (delivery) =>
        sound.deliver(delivery).catch((error: unknown) => {
          if (error instanceof Error) error.message += delivery.version.value.reveal();
          throw error;
        }),
    }),
    'fails without a code': (sound) => ({
      held: (destination, known) =>
        sound.held(destination, known).catch(() => {
          throw new Error('failed');
        }),
    }),
    'claims to hold the other way': (sound) => ({
      traits: (destination) => {
        const traits = sound.traits(destination);
        return { ...traits, holdsSeveral: !traits.holdsSeveral };
      },
    }),
    'claims the other evidence': (sound) => ({
      traits: (destination) => {
        const traits = sound.traits(destination);
        const evidence = traits.evidence === 'attested' ? 'read-back' : 'attested';
        return { ...traits, evidence };
      },
    }),
  };
