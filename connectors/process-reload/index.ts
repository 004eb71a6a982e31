/** A place in a file, and the processes that read it: they are told after each change, also where a kill came between. */
import type { Connector, Delivery, HeldVersions, KnownValue } from '../../domain/connector.js';
import { inTurn } from '../files.js';
import { connectorKind } from '../kind.js';
import { addressFor, Options, type FileKind } from './address.js';
import { stateOf, forgetChange, isChanged, rememberBefore } from './note.js';
import { innerOf, targetOf, type Target } from './target.js';
import { refuseUnknown, tellAll } from './tell.js';

export function processReload(kinds: readonly [FileKind, ...FileKind[]]) {
  const Address = addressFor(kinds);
  return connectorKind({
    kind: 'process-reload',
    options: Options,
    address: Address,
    // Who shares the place shares its lease, whichever process reads it.
    identity: ({ file, processes }, options) => {
      for (const one of processes) refuseUnknown(one, options);
      const kind = kinds.find((known) => known.kind === file.connector) ?? kinds[0];
      return kind.identity(file.address, { roots: options.roots });
    },
    open: (options): Connector => ({
      kind: 'process-reload',
      traits: (destination) => {
        const { connector, inner } = innerOf(kinds, options, destination);
        return connector.traits(inner);
      },
      held: async (destination, known) =>
        held(options, targetOf(kinds, options, destination), known),
      deliver: async (delivery) => {
        await deliver(options, targetOf(kinds, options, delivery.destination), delivery);
      },
      forget: async (delivery) => {
        const target = targetOf(kinds, options, delivery.destination);
        if (target.connector.traits(target.inner).holdsSeveral)
          await remove(options, target, { verb: 'forget', delivery });
      },
      withdraw: async (delivery) => {
        const target = targetOf(kinds, options, delivery.destination);
        await remove(options, target, { verb: 'withdraw', delivery });
      },
    }),
  });
}

/** Who looks finds what a killed delivery left to be said, and says it: only then the place is as it seems. */
async function held(
  options: Options,
  target: Target,
  known: readonly KnownValue[],
): Promise<HeldVersions> {
  await inTurn(target.note, async () => {
    if (!(await isChanged(target))) return;
    await tellAll(target.processes, { options, signal: undefined });
    await forgetChange(target);
  });
  return target.connector.held(target.inner, known);
}

/** Told even where the value was there already: whoever asks for a delivery does not know that it was taken up. */
async function deliver(options: Options, target: Target, delivery: Delivery): Promise<void> {
  const { connector, inner: destination } = target;
  await inTurn(target.note, async () => {
    await withNote(target, () => connector.deliver({ ...delivery, destination }));
    await tellAll(target.processes, { options, signal: delivery.signal });
    await forgetChange(target);
  });
}

interface Removal {
  readonly verb: 'forget' | 'withdraw';
  readonly delivery: Delivery;
}

async function remove(
  options: Options,
  target: Target,
  { verb, delivery }: Removal,
): Promise<void> {
  const { connector, inner: destination } = target;
  await inTurn(target.note, async () => {
    await withNote(target, () => connector[verb]({ ...delivery, destination }));
    if (await isChanged(target))
      await tellAll(target.processes, { options, signal: delivery.signal });
    await forgetChange(target);
  });
}

/** The note is there before the change, so that no kill comes between them. */
async function withNote(target: Target, change: () => Promise<void>): Promise<void> {
  await rememberBefore(target, await stateOf(target));
  try {
    await change();
  } catch (error) {
    if (!(await isChanged(target).catch(() => true))) await forgetChange(target);
    throw error;
  }
}
