/** How a string may be written in YAML in place of another one: first as that one was, last between double quotes. */
import { parse } from 'yaml';

export interface Written {
  /** The text of the old one, empty where there was none. */
  readonly source: string;
  readonly style: string;
}

/** Other readers take these for the end of a line, or refuse them, unless they are escaped. */
const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** The caller takes the first one that is read back exactly. */
export function waysToWrite(value: string, old: Written): readonly string[] {
  // Half a character has no bytes.
  if (/\p{Surrogate}/u.test(value)) return [];
  switch (old.style) {
    case 'PLAIN':
      return [...plain(value), doubleQuoted(value)];
    case 'QUOTE_SINGLE':
      return [...singleQuoted(value), doubleQuoted(value)];
    case 'BLOCK_LITERAL':
    case 'BLOCK_FOLDED':
      return [...block(value, old.source), doubleQuoted(value) + endOf(old.source)];
    case 'EMPTY':
      return [` ${doubleQuoted(value)}`];
    default:
      return [doubleQuoted(value)];
  }
}

/** YAML 1.1 and 1.2 differ in what is a number or a truth: it has to be a string for both. */
function plain(value: string): string[] {
  const isHarmless = /^[A-Za-z0-9][\w.~+/=-]*$/.test(value);
  const isString = (version: '1.1' | '1.2'): boolean => parse(value, { version }) === value;
  return isHarmless && isString('1.1') && isString('1.2') ? [value] : [];
}

function singleQuoted(value: string): string[] {
  const isOneLine = value.search(unprintable) === -1 && !/[\t\n]/.test(value);
  return isOneLine ? [`'${value.replaceAll("'", "''")}'`] : [];
}

function doubleQuoted(value: string): string {
  return JSON.stringify(value).replaceAll(
    unprintable,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function endOf(source: string): string {
  return /\r?\n$/.exec(source)?.[0] ?? '';
}

/** With the indicator and the indentation that are there; a folded one that cannot hold it becomes a literal one. */
function block(value: string, source: string): string[] {
  const found = /^([|>])[-+]?([^\S\r\n][^\r\n]*)?(\r?\n)(?:[^\S\r\n]*\r?\n)*( +)/.exec(source);
  if (found === null || value === '' || value.search(unprintable) !== -1) return [];
  const [, indicator, comment = '', eol = '\n', indent = ''] = found;
  const lines = value.replace(/\n$/, '').split('\n');
  const body = lines.map((line) => (line === '' ? '' : indent + line) + eol).join('');
  return [...new Set([indicator, '|'])].map(
    (one) => `${one}${chomping(value)}${comment}${eol}${body}`,
  );
}

function chomping(value: string): string {
  if (!value.endsWith('\n')) return '-';
  return value.endsWith('\n\n') ? '+' : '';
}
