/** One string in a JSON file, named by a JSON pointer (RFC 6901); the file keeps its formatting. */
import {
  applyEdits,
  findNodeAtLocation,
  modify,
  parseTree,
  type JSONPath,
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
  readText,
  realFile,
  replaceText,
  type FileContent,
} from '../files.js';
import { connectorKind } from '../kind.js';
import { readHeld } from '../known.js';

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
    deliver: (delivery) => deliver(options, delivery),
    // It holds one value: what was delivered last has displaced every other.
    forget: () => Promise.resolve(),
  };
}

interface Place {
  readonly content: FileContent;
  readonly path: JSONPath;
  readonly value: string | undefined;
}

async function find(options: FileOptions, destination: Destination): Promise<Place> {
  const { file, pointer } = Address.parse(destination.address);
  const content = await readText(file, options);
  const errors: ParseError[] = [];
  const tree = parseTree(content.text.replace(/^\uFEFF/, ''), errors, {
    disallowComments: true,
    allowTrailingComma: false,
  });
  if (tree === undefined || errors.length > 0)
    throw new AdapterError('invalid-destination', `${file} is not JSON`);
  const path = pathOf(pointer, (step) => findNodeAtLocation(tree, step)?.type === 'array');
  const parent = path.length === 1 ? tree : findNodeAtLocation(tree, path.slice(0, -1));
  const node = findNodeAtLocation(tree, path);
  if (parent?.type !== 'object' && node === undefined) {
    throw new AdapterError(
      'invalid-destination',
      `${file} has no object that ${pointer} could be in`,
    );
  }
  if (node !== undefined && node.type !== 'string') {
    throw new AdapterError('invalid-destination', `${pointer} of ${file} is not a string`);
  }
  return { content, path, value: node?.value as string | undefined };
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

async function deliver(options: FileOptions, { destination, version }: Delivery): Promise<void> {
  const { content, path, value } = await find(options, destination);
  const wanted = version.value.reveal();
  if (value === wanted) return;
  const indent = /\n([ \t]+)\S/.exec(content.text)?.[1] ?? '  ';
  const edits = modify(content.text, path, wanted, {
    formattingOptions: {
      insertSpaces: !indent.startsWith('\t'),
      tabSize: indent.length,
      eol: content.text.includes('\r\n') ? '\r\n' : '\n',
    },
  });
  await replaceText(content, applyEdits(content.text, edits));
}
