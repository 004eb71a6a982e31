/** A file that holds a value and nothing else, as many programs want their tokens, passwords and keys. */
import { z } from 'zod';
import type {
  Connector,
  Delivery,
  Destination,
  HeldVersions,
  KnownValue,
} from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import {
  createText,
  FileOptions,
  FilePath,
  inTurn,
  readOrNone,
  readText,
  realFile,
  replaceText,
} from '../files.js';
import { connectorKind } from '../kind.js';
import { delivered, readHeld, withdrawn, type Edit } from '../known.js';

const Address = z.strictObject({
  file: FilePath,
  create: z.boolean().default(false).describe('a missing file is created, of mode 0600'),
});

export const textFile = connectorKind({
  kind: 'text-file',
  options: FileOptions,
  address: Address,
  identity: ({ file }, options) => realFile(file, options),
  open,
});

function open(options: FileOptions): Connector {
  return {
    kind: 'text-file',
    traits: () => ({ holdsSeveral: false, evidence: 'read-back' }),
    held: (destination, known) => held(options, destination, known),
    deliver: (delivery) => write(options, delivery, delivered),
    withdraw: (delivery) => write(options, delivery, withdrawn),
    // It holds one value: what was delivered last has displaced every other.
    forget: () => Promise.resolve(),
  };
}

/** One line break at the end is an editor's, and none of the value's. */
const lineEnd = /\r?\n$/;

async function held(
  options: FileOptions,
  { address }: Destination,
  known: readonly KnownValue[],
): Promise<HeldVersions> {
  const { file, create } = Address.parse(address);
  const content = await readOrNone(create, () => readText(file, options));
  return readHeld(content === undefined ? [] : [content.text.replace(lineEnd, '')], known);
}

async function write(
  options: FileOptions,
  { destination, version }: Delivery,
  edit: Edit,
): Promise<void> {
  const { file, create } = Address.parse(destination.address);
  const value = version.value.reveal();
  if (lineEnd.test(value))
    throw new AdapterError('refused', 'the value ends in a line break, which a file cannot tell');
  await inTurn(realFile(file, options), async () => {
    const content = await readOrNone(create, () => readText(file, options));
    const before = content?.text.replace(lineEnd, '');
    const wanted = edit(before, value);
    if (wanted === undefined || wanted === before) return;
    if (content === undefined) return createText(realFile(file, options), wanted);
    const end = lineEnd.exec(content.text)?.[0] ?? '';
    await replaceText(content, `${wanted}${end}`);
  });
}
