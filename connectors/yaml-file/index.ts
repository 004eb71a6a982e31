/** One string in a YAML file, named by a JSON pointer; nothing else in the file changes by a byte. */
import { z } from 'zod';
import type {
  Connector,
  Delivery,
  Destination,
  HeldVersions,
  KnownValue,
} from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { FileOptions, FilePath, inTurn, readText, realFile, replaceText } from '../files.js';
import { connectorKind } from '../kind.js';
import { delivered, readHeld, withdrawn, type Edit } from '../known.js';
import { waysToWrite } from './scalar.js';
import { findString, type Place, type Pointed } from './tree.js';

const Address = z.strictObject({
  file: FilePath,
  pointer: z
    .string()
    .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'expected a JSON pointer such as /api/secret'),
  document: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('which one, counted from 0, where the file holds several'),
});
type Address = z.output<typeof Address>;

export const yamlFile = connectorKind({
  kind: 'yaml-file',
  options: FileOptions,
  address: Address,
  // The first document is also the one that need not be named.
  identity: ({ file, pointer, document = 0 }, options) =>
    `${realFile(file, options)}#${document === 0 ? '' : document}${pointer}`,
  open,
});

function open(options: FileOptions): Connector {
  return {
    kind: 'yaml-file',
    traits: () => ({ holdsSeveral: false, evidence: 'read-back' }),
    held: (destination, known) => held(options, destination, known),
    deliver: (delivery) => write(options, delivery, delivered),
    withdraw: (delivery) => write(options, delivery, withdrawn),
    // It holds one value: what was delivered last has displaced every other.
    forget: () => Promise.resolve(),
  };
}

function pointedOf({ address }: Destination): Pointed {
  const { file, pointer, document } = Address.parse(address);
  return { file, pointer, document };
}

async function held(
  options: FileOptions,
  destination: Destination,
  known: readonly KnownValue[],
): Promise<HeldVersions> {
  const pointed = pointedOf(destination);
  const { text } = await readText(pointed.file, options);
  const { value } = findString(text, pointed);
  return readHeld(value === undefined ? [] : [value], known);
}

async function write(
  options: FileOptions,
  { destination, version }: Delivery,
  edit: Edit,
): Promise<void> {
  const pointed = pointedOf(destination);
  await inTurn(realFile(pointed.file, options), async () => {
    const content = await readText(pointed.file, options);
    const place = findString(content.text, pointed);
    const wanted = edit(place.value, version.value.reveal());
    if (wanted !== undefined && place.value !== wanted)
      await replaceText(content, written({ text: content.text, place, pointed }, wanted));
  });
}

interface Writing {
  readonly text: string;
  readonly place: Place;
  readonly pointed: Pointed;
}

function written({ text, place, pointed }: Writing, wanted: string): string {
  const { start, end, style, rest } = place;
  for (const way of waysToWrite(wanted, { style, source: text.slice(start, end) })) {
    const changed = text.slice(0, start) + way + text.slice(end);
    const after = read(changed, pointed);
    if (after?.value === wanted && after.rest === rest) return changed;
  }
  const where = `${pointed.pointer} of ${pointed.file}`;
  throw new AdapterError('refused', `the value cannot be written at ${where}`);
}

function read(text: string, pointed: Pointed): Place | undefined {
  try {
    return findString(text, pointed);
  } catch (error) {
    if (error instanceof AdapterError) return undefined;
    throw error;
  }
}
