/** The texts of one file, by what its name says it is; and every line of it, since comments hold values too. */
import { basename } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { parseAllDocuments } from 'yaml';
import type { Looking, Spot } from '../../domain/discover/place.js';
import { isDotenv } from '../../domain/dotenv-lines.js';

interface Entry {
  readonly spot: Spot;
  readonly text: string;
}

export async function lookAtText(looking: Looking, file: string, text: string): Promise<void> {
  for (const { spot, text: part } of entriesOf(file, text)) await looking.met(spot, part);
  // A file that is the value alone, as mounted secrets and keys are.
  if (text.length <= longestValue) await looking.met({ identity: file }, text);
  for (const [index, line] of text.split('\n').entries())
    await looking.met({ identity: file, detail: `line ${index + 1}` }, line);
}

const longestValue = 16_384;

/** Parsing is not interrupted, and others wait: of a longer text only the lines are looked at. */
const longestParsed = 131_072;

function entriesOf(file: string, text: string): Entry[] {
  const name = basename(file).toLowerCase();
  const plain = text.replace(/^\uFEFF/, '');
  if (plain.length > longestParsed) return [];
  if (/(^|\.)env(\.|$)/.test(name)) return dotenvEntries(file, plain);
  if (name.endsWith('.json')) return jsonEntries(file, plain);
  if (/\.ya?ml$/.test(name)) return yamlEntries(file, plain);
  return [];
}

function dotenvEntries(file: string, text: string): Entry[] {
  if (!isDotenv(text)) return [];
  return Object.entries(parseDotenv(text)).map(([variable, value]) => ({
    spot: {
      identity: `${file}#${variable}`,
      variable,
      declare: { connector: 'dotenv', destination: { file, variable } },
    },
    text: value,
  }));
}

function jsonEntries(file: string, text: string): Entry[] {
  try {
    return stringsOf(JSON.parse(text), '').map(({ pointer, text: value }) => ({
      spot: {
        identity: `${file}#${pointer}`,
        declare: { connector: 'json-file', destination: { file, pointer } },
      },
      text: value,
    }));
  } catch {
    return [];
  }
}

/** Of more documents than that only the lines are looked at. */
const mostDocuments = 100;

function yamlEntries(file: string, text: string): Entry[] {
  try {
    const documents = parseAllDocuments(text, { logLevel: 'silent' });
    if (!Array.isArray(documents) || documents.length > mostDocuments) return [];
    return documents.flatMap((one, index) =>
      stringsOf(one.toJS({ maxAliasCount: 100 }), '').map(({ pointer, text: value }) => {
        const document = index === 0 ? {} : { document: index };
        const destination = { file, pointer, ...document };
        return {
          spot: {
            identity: `${file}#${index === 0 ? '' : index}${pointer}`,
            declare: { connector: 'yaml-file', destination },
          },
          text: value,
        };
      }),
    );
  } catch {
    return [];
  }
}

interface Pointed {
  readonly pointer: string;
  readonly text: string;
}

const deepest = 64;

function stringsOf(tree: unknown, pointer: string, depth = 0): Pointed[] {
  if (typeof tree === 'string') return pointer === '' ? [] : [{ pointer, text: tree }];
  if (typeof tree !== 'object' || tree === null || depth > deepest) return [];
  return Object.entries(tree).flatMap(([key, child]: [string, unknown]) => {
    const step = key.replaceAll('~', '~0').replaceAll('/', '~1');
    return stringsOf(child, `${pointer}/${step}`, depth + 1);
  });
}
