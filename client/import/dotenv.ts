/** Secrets that lie in dotenv files: one value in several places is one secret. Values are compared here, and forgotten. */
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { parse } from 'dotenv';
import type { Problem } from '../../domain/errors.js';
import type { Found, FoundPlace, FoundSecret } from '../../domain/import/found.js';
import { hasLongBlank, isDotenv, strangeLine } from '../../domain/dotenv-lines.js';
import { guessOf, type Guess } from '../../domain/import/guess.js';

const largest = 1_048_576;

interface Variable extends FoundPlace {
  readonly file: string;
  readonly variable: string;
  readonly fingerprint: string;
  readonly guess: Guess | undefined;
}

export interface ReadFiles {
  readonly found: Found;
  readonly problems: readonly Problem[];
}

/** Every file is read before anything is told of one. */
export function readDotenvFiles(files: readonly string[]): ReadFiles {
  const problems: Problem[] = [];
  const key = randomBytes(32);
  const real = new Set<string>();
  const variables = files.flatMap((file) => {
    const read = textOf(file);
    if ('message' in read) {
      problems.push({ path: file, ...read });
      return [];
    }
    if (real.has(read.path)) return [];
    real.add(read.path);
    return variablesOf(read, key);
  });
  return { found: foundOf(variables), problems };
}

interface Text {
  readonly path: string;
  readonly text: string;
}

function textOf(file: string): Text | Omit<Problem, 'path'> {
  try {
    const found = statSync(file);
    if (!found.isFile()) return { message: 'is no file' };
    if (found.size > largest) return { message: `is larger than ${largest} bytes` };
    const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
    // Strictly: a line of a key that stands there alone is no name to be told.
    if (isDotenv(text)) return { path: realpathSync(file), text };
    const line = hasLongBlank(text) ? undefined : strangeLine(text);
    const where = line === undefined ? 'too many blank lines' : `line ${line} is neither`;
    return { message: `is no dotenv file: ${where}`, hint: 'lines of NAME=value, and comments' };
  } catch {
    return { message: 'cannot be read', hint: 'is it there, and may you read it?' };
  }
}

function variablesOf({ path: file, text }: Text, key: Buffer): Variable[] {
  const dependent = dependentOf(file);
  return Object.entries(parse(text)).map(([variable, value]) => ({
    file,
    variable,
    dependent,
    connector: 'dotenv',
    destination: { file, variable },
    fingerprint: createHmac('sha256', key).update(value).digest('base64'),
    guess: guessOf(variable, value),
  }));
}

/** `/srv/billing/.env` and `/srv/billing.env` are billing's. */
function dependentOf(file: string): string {
  const own = basename(file)
    .replaceAll(/(^|\.)env(\.|$)/g, '$1')
    .replaceAll('.', ' ')
    .trim();
  return own === '' || /^(local|prod|production|staging|dev|test)$/.test(own)
    ? `${basename(dirname(file))} ${own}`
    : own;
}

function foundOf(variables: readonly Variable[]): Found {
  const secrets = new Map<string, Variable[]>();
  for (const one of variables) {
    if (one.guess === undefined || one.guess.isPublic) continue;
    secrets.set(one.fingerprint, [...(secrets.get(one.fingerprint) ?? []), one]);
  }
  const known = new Set([...secrets.values()].flat());
  return {
    source: 'dotenv files',
    secrets: [...secrets.values()].map((places) => secretOf(places)),
    leftOut: leftOutOf(variables.filter((one) => !known.has(one))),
  };
}

/** Letters of one case, as names are: what else is there may be a value that lost its name. */
const usualName = /^(?:[A-Z][A-Z0-9_]*|[a-z][a-z0-9_.-]*)$/;

function leftOutOf(variables: readonly Variable[]): string[] {
  const usual = variables.filter(({ variable }) => usualName.test(variable));
  const unusual = variables.length - usual.length;
  return [
    ...usual.map(({ file, variable, guess }) => {
      const why = guess === undefined ? 'does not look like a secret' : `is ${guess.is}`;
      return `${file}#${variable}: ${why}`;
    }),
    ...(unusual === 0 ? [] : [`${unusual} with unusual names`]),
  ];
}

function secretOf(places: readonly Variable[]): FoundSecret {
  const [first] = places;
  const shared = new Set(places.map(({ file }) => file)).size > 1;
  const title = shared ? first?.variable : `${first?.dependent ?? ''} ${first?.variable ?? ''}`;
  return {
    title: title ?? '',
    guess: first?.guess,
    places: places.map(({ dependent, connector, destination }) => ({
      ...{ dependent, connector, destination },
    })),
    notes: shared ? [`the same value in ${places.length} places: one secret`] : [],
  };
}
