/** One string in a JSON file, named by a JSON pointer (RFC 6901); the file keeps its formatting. */
import {
  applyEdits,
  findNodeAtLocation,
  modify,
  parseTree,
  type JSONPath,
  type Node,
  type ParseError,
} from 'jsonc-parser';
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
  FileOptions,
  FilePath,
  inTurn,
  readText,
  realFile,
  replaceText,
  type FileContent,
} from '../files.js';
import { connectorKind } from '../kind.js';
import { delivered, readHeld, withdrawn, type Edit } from '../known.js';

const Address = z.strictObject({
  file: FilePath,
  pointer: z
    .string()
    .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'expected a JSON pointer such as /api/secret'),
});
type Address = z.output<typeof Address>;

export const jsonFile = connectorKind({
  kind: 'json-file',
  options: FileOptions,
  address: Address,
  identity: ({ file, pointer }, options) => `${realFile(file, options)}#${pointer}`,
  open,
});

function open(options: FileOptions): Connector {
  return {
    kind: 'json-file',
    traits: () => ({ holdsSeveral: false, evidence: 'read-back' }),
    held: (destination, known) => held(options, destination, known),
    deliver: (delivery) => write(options, delivery, delivered),
    withdraw: (delivery) => write(options, delivery, withdrawn),
    // It holds one value: what was delivered last has displaced every other.
    forget: () => Promise.resolve(),
  };
}

const byteOrderMark = '\uFEFF';

function withoutMark(text: string): string {
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

interface Place {
  readonly content: FileContent;
  readonly path: JSONPath;
  readonly value: string | undefined;
}

async function find(options: FileOptions, destination: Destination): Promise<Place> {
  const { file, pointer } = Address.parse(destination.address);
  const content = await readText(file, options);
  const where = `${pointer} of ${file}`;
  const tree = withoutOverflow(file, () => parseJson(content.text, file));
  const path = pathOf(pointer, (step) => findNodeAtLocation(tree, step)?.type === 'array');
  const node = findNodeAtLocation(tree, path);
  if (node === undefined) {
    const parent = path.length === 1 ? tree : findNodeAtLocation(tree, path.slice(0, -1));
    if (parent?.type === 'object') return { content, path, value: undefined };
    throw new AdapterError('invalid-destination', `there is no object for ${where}`);
  }
  const value = valueAt(content.text, path);
  if (typeof value !== 'string' || value !== node.value) {
    throw new AdapterError('invalid-destination', `${where} is not a string, or is there twice`);
  }
  return { content, path, value };
}

function parseJson(text: string, file: string): Node {
  const errors: ParseError[] = [];
  const rules = { disallowComments: true, allowTrailingComma: false };
  const tree = parseTree(withoutMark(text), errors, rules);
  if (tree !== undefined && errors.length === 0) return tree;
  throw new AdapterError('invalid-destination', `${file} is not JSON`);
}

/** The parser calls itself for each level: at some thousands it runs out of stack, and throws no code. */
function withoutOverflow<R>(file: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (error instanceof AdapterError) throw error;
    throw new AdapterError('invalid-destination', `${file} is nested too deeply`);
  }
}

/** A step that counts is a number only where an array is there to count in. */
function pathOf(pointer: string, isArray: (path: JSONPath) => boolean): JSONPath {
  const path: JSONPath = [];
  for (const raw of pointer.split('/').slice(1)) {
    const step = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(/^\d+$/.test(step) && isArray(path) ? Number(step) : step);
  }
  return path;
}

async function held(
  options: FileOptions,
  destination: Destination,
  known: readonly KnownValue[],
): Promise<HeldVersions> {
  const { value } = await find(options, destination);
  return readHeld(value === undefined ? [] : [value], known);
}

async function write(
  options: FileOptions,
  { destination, version }: Delivery,
  edit: Edit,
): Promise<void> {
  const { file, pointer } = Address.parse(destination.address);
  await inTurn(realFile(file, options), async () => {
    const { content, path, value } = await find(options, destination);
    const wanted = edit(value, version.value.reveal());
    if (wanted === undefined || value === wanted) return;
    const text = withoutOverflow(file, () => edited(content.text, path, wanted));
    if (valueAt(text, path) !== wanted)
      throw new AdapterError('refused', `the value cannot be written at ${pointer} of ${file}`);
    await replaceText(content, text);
  });
}

function edited(text: string, path: JSONPath, wanted: string): string {
  const mark = text.startsWith(byteOrderMark) ? byteOrderMark : '';
  const plain = text.slice(mark.length);
  const indent = /\n([ \t]+)\S/.exec(plain)?.[1] ?? '  ';
  const edits = modify(plain, path, wanted, {
    formattingOptions: {
      insertSpaces: !indent.startsWith('\t'),
      tabSize: indent.length,
      eol: plain.includes('\r\n') ? '\r\n' : '\n',
    },
  });
  return mark + applyEdits(plain, edits);
}

/** As programs read it: of a field that is there twice, the last one counts. */
function valueAt(text: string, path: JSONPath): unknown {
  let at: unknown = JSON.parse(withoutMark(text));
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string | number, unknown>>)[step];
  }
  return at;
}
