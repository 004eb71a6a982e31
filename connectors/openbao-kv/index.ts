/** A key of a secret in OpenBao's KV (version 2): its other keys stay, and the past is part of the place. */
import { z } from 'zod';
import type {
  Connector,
  Delivery,
  Destination,
  HeldVersions,
  KnownValue,
} from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { inParallel } from '../../domain/in-parallel.js';
import { baoAccess, BaoPath, isOneLogin, oneLogin, openBao } from '../../reach/openbao.js';
import {
  kvIdentity,
  openKv,
  type KvFields,
  type KvSecret,
  type KvState,
} from '../../reach/openbao-kv.js';
import { inTurn } from '../files.js';
import { connectorKind } from '../kind.js';
import { isSame } from '../../reach/same.js';
import { readHeld } from '../known.js';

const Options = z.strictObject(baoAccess).refine(isOneLogin, oneLogin);
type Options = z.output<typeof Options>;

const Address = z.strictObject({
  mount: BaoPath.default('secret').describe('a KV mount of version 2'),
  path: BaoPath.describe('the secret; it has to be there'),
  key: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'expected the name of a key')
    .describe('the key of it that holds the value'),
});
type Address = z.output<typeof Address>;

export const openbaoKv = connectorKind({
  kind: 'openbao-kv',
  options: Options,
  address: Address,
  identity: (address, { namespace }) => kvIdentity(address, namespace),
  tested: { system: 'OpenBao', version: '2.7.2', on: '2026-11-26' },
  open,
});

interface Place {
  readonly secret: KvSecret;
  readonly path: string;
  readonly key: string;
}

function open(options: Options): Connector {
  const kv = openKv(openBao(options));
  const at = ({ address }: Destination, signal?: AbortSignal): Place => {
    const { mount, path, key } = Address.parse(address);
    return { secret: kv({ mount, path, signal }), path, key };
  };
  const change = (
    { destination, signal, version }: Delivery,
    work: (place: Place, version: KnownValue) => Promise<void>,
  ): Promise<void> => {
    const { mount, path } = Address.parse(destination.address);
    // Two keys of one secret would each overtake the other's write.
    return inTurn(`openbao-kv ${mount}/${path}`, () => work(at(destination, signal), version));
  };
  return {
    kind: 'openbao-kv',
    // What was read before is read by its number until it is destroyed.
    traits: () => ({ holdsSeveral: true, evidence: 'read-back' }),
    held: (destination, known) => held(at(destination), known),
    deliver: (delivery) => change(delivery, deliver),
    forget: (delivery) => change(delivery, forget),
    withdraw: (delivery) => change(delivery, withdraw),
  };
}

async function stateOf({ secret, path }: Place): Promise<KvState> {
  const state = await secret.look();
  if (state !== undefined) return state;
  throw new AdapterError('not-found', `there is no secret ${path}: write it once, with any key`);
}

/** Undefined where nothing was ever written. */
async function currentOf(
  { secret, path }: Place,
  { current }: KvState,
): Promise<KvFields | undefined> {
  if (current === 0) return undefined;
  const fields = await secret.read(current);
  if (fields !== undefined) return fields;
  throw new AdapterError(
    'refused',
    `the current version of secret ${path} was deleted: undelete it, or write it anew`,
  );
}

function textOf({ path, key }: Place, fields: KvFields | undefined): string {
  const found = fields?.[key] ?? '';
  if (typeof found === 'string') return found;
  throw new AdapterError('invalid-destination', `key ${key} of secret ${path} holds no text`);
}

const atOnce = 8;

/** The texts of the key in older versions, by their number. */
async function pastOf(
  { secret, key }: Place,
  { current, readable }: KvState,
): Promise<ReadonlyMap<number, string>> {
  const texts = new Map<number, string>();
  const older = readable.filter((version) => version !== current);
  for (const version of older) texts.set(version, '');
  await inParallel(older, atOnce, async (version) => {
    const found = (await secret.read(version))?.[key];
    if (typeof found === 'string') texts.set(version, found);
  });
  return texts;
}

async function held(place: Place, known: readonly KnownValue[]): Promise<HeldVersions> {
  const state = await stateOf(place);
  const text = textOf(place, await currentOf(place, state));
  const past = [...(await pastOf(place, state)).values()];
  return { ...readHeld([...new Set([text, ...past])], known), onlyPast: text === '' };
}

const mostBytes = 256 * 1024;

/** Looked at first: what an attempt before this one wrote is not written again. */
async function deliver(place: Place, { versionId, value }: KnownValue): Promise<void> {
  const { secret, key } = place;
  const text = value.reveal();
  if (text === '' || Buffer.byteLength(text) > mostBytes)
    throw new AdapterError('refused', `a key takes 1 to ${mostBytes} bytes`);
  const state = await stateOf(place);
  const fields = await currentOf(place, state);
  if (!isSame(textOf(place, fields), text)) {
    const write = fields === undefined ? secret.write : secret.merge;
    await write({ [key]: text }, state.current);
  }
  const name = noteOf(key);
  if (state.notes[name] !== versionId) await secret.note({ [name]: versionId });
}

/** For people: which version of rotor's the key holds. */
function noteOf(key: string): string {
  return `rotor_${key}`;
}

/** A version that is destroyed takes what its other keys were along; what they are now stays. */
async function forget(place: Place, { value }: KnownValue): Promise<void> {
  const past = await pastOf(place, await stateOf(place));
  const dead = [...past].filter(([, text]) => isSame(text, value.reveal()));
  await place.secret.destroy(dead.map(([version]) => version));
}

async function withdraw(place: Place, version: KnownValue): Promise<void> {
  const { secret, key } = place;
  const state = await stateOf(place);
  const text = textOf(place, await currentOf(place, state));
  if (isSame(text, version.value.reveal())) await secret.merge({ [key]: '' }, state.current);
  if (state.notes[noteOf(key)] === version.versionId) await secret.note({ [noteOf(key)]: null });
  await forget(place, version);
}
