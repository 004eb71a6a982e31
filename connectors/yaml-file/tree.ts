/** A YAML file as trees, one for each of its documents, and the string in them that a pointer names. */
import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Parser,
  visit,
  type CST,
  type Document,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { AdapterError } from '../../domain/errors.js';

export interface Pointed {
  readonly file: string;
  readonly pointer: string;
  readonly document: number | undefined;
}

/** Where a string stands in the text, or where there is room for one. */
export interface Place {
  readonly start: number;
  readonly end: number;
  /** `EMPTY`: there is a name with nothing behind its colon. */
  readonly style: string;
  readonly value: string | undefined;
  /** Everything else in the file: it is the same before and after a write. */
  readonly rest: string;
}

/** Reading takes about a second for each MiB, and holds up everything else meanwhile. */
const largestText = 1024 * 1024;
/** The library calls itself for each level, and some thousands of them end the process. */
const deepest = 100;

/** Throws `invalid-destination` where there is no such string, or where writing it would change other places too. */
export function findString(text: string, pointed: Pointed): Place {
  const documents = parseAll(text, pointed.file);
  const document = pick(documents, pointed);
  const place = follow(document, pointed);
  return { ...place, rest: describe(documents, place.node) };
}

function invalid(message: string): AdapterError {
  return new AdapterError('invalid-destination', message);
}

function parseAll(text: string, file: string): readonly Document[] {
  if (text.length > largestText) throw invalid(`${file} is larger than 1 MiB`);
  const tokens = [...new Parser().parse(text)];
  if (isTooDeep(tokens)) throw invalid(`${file} is nested too deeply`);
  // Names that are there twice are looked for on the way: the library compares each name with each other.
  const composer = new Composer({ uniqueKeys: false, keepSourceTokens: true, prettyErrors: false });
  const documents = [...composer.compose(tokens)];
  if (documents.some(({ errors }) => errors.length > 0)) throw invalid(`${file} is not YAML`);
  return documents;
}

function isTooDeep(tokens: readonly CST.Token[]): boolean {
  let level = tokens;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) return true;
    level = level.flatMap(inside);
  }
  return false;
}

function inside(token: CST.Token): CST.Token[] {
  const items = 'items' in token ? token.items.flatMap(({ key, value }) => [key, value]) : [];
  return [...items, token.type === 'document' ? token.value : undefined].filter(
    (one) => one !== undefined && one !== null,
  );
}

function pick(documents: readonly Document[], { file, document }: Pointed): Document {
  if (document === undefined && documents.length > 1)
    throw invalid(`${file} holds ${documents.length} documents: say which one in "document"`);
  const found = documents[document ?? 0];
  if (found !== undefined) return found;
  throw invalid(`${file} holds no document ${document ?? 0}`);
}

interface Step {
  readonly node: Node | undefined;
  /** The text between a name and its value begins after this colon. */
  readonly colon: number | undefined;
}

type Found = Omit<Place, 'rest'> & { readonly node: Node };

function follow(document: Document, { file, pointer }: Pointed): Found {
  const where = `${pointer} of ${file}`;
  const shared = aliased(document);
  let at: Step = { node: document.contents ?? undefined, colon: undefined };
  refuseShared(at.node, shared, where);
  for (const raw of pointer.split('/').slice(1)) {
    at = into(at.node, raw.replaceAll('~1', '/').replaceAll('~0', '~'), where);
    refuseShared(at.node, shared, where);
  }
  const { node, colon } = at;
  if (!isScalar(node) || !isPlainText(node)) throw invalid(`${where} is not a string`);
  if (typeof node.value === 'string') return placeOf(node, node.value);
  if (colon !== undefined && node.value === null && node.source === '' && node.tag === undefined)
    return { node, start: colon + 1, end: colon + 1, style: 'EMPTY', value: undefined };
  throw invalid(`${where} is not a string: put quotes around it if it is meant to be one`);
}

/** What bears a tag of a program's own (`!vault`) is no text for that program. */
function isPlainText({ tag }: Scalar): boolean {
  return tag === undefined || tag === '!' || tag === 'tag:yaml.org,2002:str';
}

function placeOf(node: Scalar, value: string): Found {
  const [start, end] = node.range ?? [0, 0];
  return { node, start, end, style: String(node.type), value };
}

/** The names of the anchors that something refers to. */
function aliased(document: Document): ReadonlySet<string> {
  const names = new Set<string>();
  visit(document, { Alias: (_, { source }) => void names.add(source) });
  return names;
}

function refuseShared(node: Node | undefined, shared: ReadonlySet<string>, where: string): void {
  if (isAlias(node))
    throw invalid(`${where} leads through the alias *${node.source}: name the place it stands for`);
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
  if (anchor !== undefined && shared.has(anchor))
    throw invalid(
      `${where} is shared by an alias: writing it would change what *${anchor} stands for`,
    );
}

function into(node: Node | undefined, step: string, where: string): Step {
  if (isMap(node)) return intoMap(node, step, where);
  const item = isSeq(node) && /^(?:0|[1-9]\d*)$/.test(step) ? node.items[Number(step)] : undefined;
  if (item === undefined) throw invalid(`there is no ${where}`);
  return { node: item as Node, colon: undefined };
}

function intoMap({ items }: YAMLMap, step: string, where: string): Step {
  const [pair, second] = items.filter(({ key }) => nameOf(key) === step);
  if (second !== undefined) throw invalid(`${where} is there twice`);
  if (pair !== undefined) return { node: (pair.value ?? undefined) as Node, colon: colonOf(pair) };
  const isMerged = items.some(({ key }) => nameOf(key) === '<<');
  throw invalid(
    isMerged
      ? `there is no ${where}, unless by a merge (<<): name the place that it comes from`
      : `there is no ${where}`,
  );
}

/** As it is written, where it is no string: 8080, true. */
function nameOf(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === 'string' ? key.value : key.source;
}

/** Undefined where something stands before the missing value that would have to stay before it. */
function colonOf({ srcToken }: Pair): number | undefined {
  const between = srcToken?.sep ?? [];
  if (between.some(({ type }) => type === 'anchor' || type === 'tag')) return undefined;
  return between.find(({ type }) => type === 'map-value-ind')?.offset;
}

function describe(documents: readonly Document[], except: Node): string {
  const nodes: unknown[] = [];
  for (const document of documents) {
    nodes.push('document');
    visit(document, {
      Node: (_, node) => {
        if (node === except) nodes.push('place');
        else if (isAlias(node)) nodes.push(['alias', node.source]);
        else if (isScalar(node))
          nodes.push([typeof node.value, String(node.value), node.anchor, node.tag]);
        else if (isMap(node) || isSeq(node)) nodes.push([node.items.length, node.anchor, node.tag]);
      },
    });
  }
  return JSON.stringify(nodes);
}
