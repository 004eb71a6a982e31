/** The text of a dotenv file: one variable is read and replaced, everything else stays as it is. */
import { parse } from 'dotenv';
import { AdapterError } from '../../domain/errors.js';
import { assignment, hasLongBlank } from '../../domain/dotenv-lines.js';

interface Assignment {
  readonly start: number;
  readonly end: number;
  /** Up to and with the equals sign and the space after it. */
  readonly head: string;
  readonly quote: '' | '"' | "'" | '`';
  /** What follows the value on its line: spaces, a comment. */
  readonly tail: string;
}

/** Programs that read the file by a pattern may run out of stack with more. */
const longestValue = 1_048_576;

export function readVariable(text: string, variable: string): string | undefined {
  const variables = parse(text);
  return Object.hasOwn(variables, variable) ? variables[variable] : undefined;
}

/** Throws `refused` where the value could not be read back exactly. */
export function writeVariable(text: string, variable: string, value: string): string {
  if (value.length > longestValue) throw unwritable(variable);
  const found = findAssignment(text, variable);
  for (const quote of quotesToTry(found)) {
    const changed =
      found === undefined
        ? append(text, variable, { value, quote })
        : replace(text, found, { value, quote });
    if (changed !== undefined && isExact(text, changed, { variable, value })) return changed;
  }
  throw unwritable(variable);
}

function unwritable(variable: string): AdapterError {
  return new AdapterError('refused', `the value of ${variable} cannot be written in a dotenv file`);
}

function findAssignment(text: string, variable: string): Assignment | undefined {
  const all = [...text.matchAll(assignment)].filter((match) => match[2] === variable);
  const last = all.at(-1);
  if (last === undefined) return undefined;
  const [whole, head = '', , value = '', comment = ''] = last;
  const tail = value.slice(value.trimEnd().length) + comment;
  const first = value[0] ?? '';
  const quote = first === '"' || first === "'" || first === '`' ? first : '';
  return { start: last.index, end: last.index + whole.length, head, quote, tail };
}

/** Its own style first. */
function quotesToTry(found: Assignment | undefined): Assignment['quote'][] {
  const own = found?.quote ?? '';
  const others: Assignment['quote'][] = ['', "'", '"', '`'];
  return [own, ...others.filter((quote) => quote !== own)];
}

interface Written {
  readonly value: string;
  readonly quote: Assignment['quote'];
}

function replace(text: string, found: Assignment, { value, quote }: Written): string | undefined {
  if (quote !== '' && value.includes(quote)) return undefined;
  const assignment = `${found.head}${quote}${value}${quote}${found.tail}`;
  return text.slice(0, found.start) + assignment + text.slice(found.end);
}

function append(text: string, variable: string, { value, quote }: Written): string | undefined {
  if (quote !== '' && value.includes(quote)) return undefined;
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text === '' || text.endsWith('\n') ? '' : end;
  return `${text}${gap}${variable}=${quote}${value}${quote}${end}`;
}

/** Read as programs will read it, from bytes: this variable has the value, and every other is as it was. */
function isExact(
  before: string,
  after: string,
  { variable, value }: { readonly variable: string; readonly value: string },
): boolean {
  const wanted = { ...parse(before), [variable]: value };
  if (hasLongBlank(after)) return false;
  const found = parse(Buffer.from(after));
  const names = Object.keys(wanted);
  return (
    names.length === Object.keys(found).length &&
    names.every((name) => found[name] === wanted[name])
  );
}
