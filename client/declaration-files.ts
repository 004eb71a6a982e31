/** Reads declarations from YAML files, and keeps where everything stands, so that a problem can name its line. */
import { isUtf8 } from 'node:buffer';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseAllDocuments, type Document } from 'yaml';
import { RotorError, type Problem } from '../domain/errors.js';

export interface DeclarationFiles {
  /** One per YAML document, in the order of the files' names. */
  readonly documents: readonly unknown[];
  /**
   * In the order of the text: `documents.1.secrets.0.name` becomes `file:line:column secrets.0.name`.
   * A path without a document stays as it is, and comes first.
   */
  locate(problems: readonly Problem[]): Problem[];
}

interface Located {
  readonly file: string;
  readonly lines: LineCounter;
  readonly document: Document;
}

/** Throws `declarations-unreadable` with every syntax error at once. */
export function readDeclarations(path: string): DeclarationFiles {
  const located = filesOf(path).flatMap((file) => parse(file));
  const problems = withoutRepetition(located.flatMap((one) => syntaxProblems(one)));
  if (problems.length > 0) throw unreadable('the YAML is not valid', problems);
  const documents = located.map((one) => contentOf(one));
  if (documents.length === 0) throw unreadable(`${path} declares nothing`, []);
  return { documents, locate: (problems) => locateAll(located, problems) };
}

function unreadable(message: string, problems: readonly Problem[]): RotorError {
  return new RotorError('declarations-unreadable', message, { kind: 'invalid', problems });
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => /\.ya?ml$/.test(name));
    return names.sort().map((name) => join(path, name));
  } catch {
    throw new RotorError('declarations-unreadable', `${path} cannot be read`, {
      kind: 'invalid',
      hint: 'a YAML file, or a folder of them',
    });
  }
}

function textOf(file: string): string {
  const bytes = bytesOf(file);
  if (bytes !== undefined && isUtf8(bytes)) return bytes.toString('utf8');
  const message = bytes === undefined ? 'cannot be read' : 'is not UTF-8 text';
  throw unreadable(`${file} ${message}`, [{ path: file, message }]);
}

function bytesOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

function parse(file: string): Located[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(textOf(file), {
    lineCounter: lines,
    uniqueKeys: true,
    // Messages without the place: it is told with each, and in the same way as for other problems.
    prettyErrors: false,
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  return documents
    .filter(({ contents, errors }) => contents !== null || errors.length > 0)
    .map((document) => ({ file, lines, document: document as Document }));
}

/** What is only a warning to the parser, such as a tag that nobody knows, is no declaration either. */
function syntaxProblems({ file, lines, document }: Located): Problem[] {
  return [...document.errors, ...document.warnings].map(({ pos, message }) => {
    const { line, col } = lines.linePos(pos[0]);
    return { path: `${file}:${line}:${col}`, message };
  });
}

/** One bracket too many is told once for each level that it leaves open. */
function withoutRepetition(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((one) => [`${one.path} ${one.message}`, one])).values()];
}

/** Aliases are followed here: one that leads nowhere throws, and so do many that multiply. */
function contentOf({ file, document, lines }: Located): unknown {
  try {
    return document.toJS();
  } catch {
    const { line, col } = lines.linePos(offsetOf({ file, document, lines }, []));
    const message = 'an alias of this document leads nowhere, or there are too many';
    throw unreadable('the YAML is not valid', [{ path: `${file}:${line}:${col}`, message }]);
  }
}

function locateAll(located: readonly Located[], problems: readonly Problem[]): Problem[] {
  return problems
    .map((problem) => ({ problem, ...locate(located, problem.path) }))
    .sort((one, other) => one.document - other.document || one.offset - other.offset)
    .map(({ problem, path }) => ({ ...problem, path }));
}

interface Location {
  readonly path: string;
  readonly document: number;
  readonly offset: number;
}

function locate(located: readonly Located[], path: string): Location {
  const [first, index, ...rest] = path.split('.');
  const found = first === 'documents' ? located[Number(index)] : undefined;
  if (found === undefined) return { path, document: -1, offset: 0 };
  const offset = offsetOf(found, rest);
  const { line, col } = found.lines.linePos(offset);
  const tail = rest.length > 0 ? ` ${rest.join('.')}` : '';
  return { path: `${found.file}:${line}:${col}${tail}`, document: Number(index), offset };
}

/** Of the node that the path names, or of the nearest one around it. */
function offsetOf({ document }: Located, path: readonly string[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const steps = path.slice(0, length).map((step) => (/^\d+$/.test(step) ? Number(step) : step));
    const node = length === 0 ? document.contents : document.getIn(steps, true);
    const range = rangeOf(node);
    if (range !== undefined) return range;
  }
  return 0;
}

function rangeOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  return Array.isArray(node.range) ? (node.range[0] as number) : undefined;
}
