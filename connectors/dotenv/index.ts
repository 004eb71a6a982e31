/** One variable of a dotenv file, or a list of values in it. */
import { z } from 'zod';
import type {
  Connector,
  Delivery,
  Destination,
  HeldVersions,
  KnownValue,
} from '../../domain/connector.js';
import { isDotenv } from '../../domain/dotenv-lines.js';
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
  type FileContent,
} from '../files.js';
import { connectorKind } from '../kind.js';
import { isSame } from '../../reach/same.js';
import { readHeld } from '../known.js';
import { readVariable, writeVariable } from './text.js';

const Address = z.strictObject({
  file: FilePath,
  variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable'),
  separator: z
    .string()
    .min(1)
    .max(3)
    .optional()
    .describe('makes it a list: new values first, the old one removed at the end'),
  create: z.boolean().default(false).describe('a missing file is created, of mode 0600'),
});
type Address = z.output<typeof Address>;

export const dotenv = connectorKind({
  kind: 'dotenv',
  options: FileOptions,
  address: Address,
  identity: ({ file, variable }, options) => `${realFile(file, options)}#${variable}`,
  open,
});

function open(options: FileOptions): Connector {
  return {
    kind: 'dotenv',
    traits: (destination) => ({
      holdsSeveral: addressOf(destination).separator !== undefined,
      evidence: 'read-back',
    }),
    held: (destination, known) => held(options, destination, known),
    deliver: (delivery) => change(options, delivery, withFirst),
    forget: (delivery) => change(options, delivery, without),
    withdraw: (delivery) => change(options, delivery, withdrawn),
  };
}

function addressOf({ address }: Destination): Address {
  return Address.parse(address);
}

async function readDotenv(options: FileOptions, { file }: Address): Promise<FileContent> {
  const content = await readText(file, options);
  if (isDotenv(content.text)) return content;
  throw new AdapterError('invalid-destination', `${file} is not a dotenv file`);
}

function entriesOf(text: string | undefined, { separator }: Address): string[] {
  if (text === undefined) return [];
  return separator === undefined ? [text] : text.split(separator).map((entry) => entry.trim());
}

async function held(
  options: FileOptions,
  destination: Destination,
  known: readonly KnownValue[],
): Promise<HeldVersions> {
  const address = addressOf(destination);
  const text = (await readOrNone(address.create, () => readDotenv(options, address)))?.text ?? '';
  return readHeld(entriesOf(readVariable(text, address.variable), address), known);
}

type Edit = (entries: readonly string[], value: string, address: Address) => readonly string[];

const withFirst: Edit = (entries, value, { separator }) => {
  if (separator === undefined) return [value];
  if (value.includes(separator) || value !== value.trim())
    throw new AdapterError(
      'refused',
      'the value contains the separator of the list, or outer space',
    );
  return [value, ...entries.filter((entry) => entry !== '' && !isSame(entry, value))];
};

/** The only value left stays: an empty list is an outage. */
const without: Edit = (entries, value, { separator }) => {
  const left = entries.filter((entry) => entry !== '' && !isSame(entry, value));
  return separator === undefined || left.length === 0 ? entries : left;
};

const withdrawn: Edit = (entries, value) => entries.filter((entry) => !isSame(entry, value));

async function change(options: FileOptions, delivery: Delivery, edit: Edit): Promise<void> {
  const address = addressOf(delivery.destination);
  await inTurn(realFile(address.file, options), async () => {
    const content = await readOrNone(address.create, () => readDotenv(options, address));
    const before = readVariable(content?.text ?? '', address.variable);
    const entries = edit(entriesOf(before, address), delivery.version.value.reveal(), address);
    const value = entries.join(address.separator ?? '');
    if (value === (before ?? '')) return;
    const text = writeVariable(content?.text ?? '', address.variable, value);
    await (content === undefined
      ? createText(realFile(address.file, options), text)
      : replaceText(content, text));
  });
}
