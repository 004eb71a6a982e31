/** A destination taken apart: the place in a file with its own connector, the processes, and the note beside the file. */
import type { Connector, Destination } from '../../domain/connector.js';
import { realFile } from '../files.js';
import { addressFor, type FileKind, type Options, type Process } from './address.js';
import { noteFor, type Place } from './note.js';
import { refuseUnknown } from './tell.js';

type FileKinds = readonly [FileKind, ...FileKind[]];

interface Inner {
  readonly kind: FileKind;
  readonly connector: Connector;
  /** As the connector of the file has it. */
  readonly inner: Destination;
  readonly address: { readonly file: string };
  readonly processes: readonly Process[];
}

export type Target = Inner & Place;

export function innerOf(kinds: FileKinds, { roots }: Options, destination: Destination): Inner {
  const { file, processes } = addressFor(kinds).parse(destination.address);
  const kind = kinds.find((one) => one.kind === file.connector) ?? kinds[0];
  const { address } = file;
  const inner = { ...destination, address: { ...address } };
  return { kind, connector: kind.open({ roots }), inner, address, processes };
}

/** Throws `not-permitted` before anything is written, where the file or one of the processes is not allowed. */
export function targetOf(kinds: FileKinds, options: Options, destination: Destination): Target {
  const found = innerOf(kinds, options, destination);
  for (const one of found.processes) refuseUnknown(one, options);
  const { roots } = options;
  const { file } = found.address;
  const identity = found.kind.identity(found.address, { roots });
  const inner = { ...found.inner, identity };
  return { ...found, inner, file, roots, note: noteFor(realFile(file, { roots }), identity) };
}
