/** The observer: measures from outside only, by HTTP, files, the issuer's list and exit codes. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { attemptsFile } from './program.js';

export interface Attempt {
  readonly at: number;
  readonly outcome: string;
  /** The secret. */
  readonly about: string;
}

export function attemptsOf(folder: string, name: string): Attempt[] {
  const file = attemptsFile(folder, name);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((parts) => parts.length === 3)
    .map(([at, outcome = '', about = '']) => ({ at: Number(at), outcome, about }));
}

/** From the first refusal after the moment to the first acceptance after that; 0 where there was none. */
export function outageSince(attempts: readonly Attempt[], since: number): number {
  const after = attempts.filter(({ at }) => at >= since);
  const first = after.find(({ outcome }) => outcome === 'refused');
  if (first === undefined) return 0;
  const back = after.find(({ at, outcome }) => at > first.at && outcome === 'accepted');
  return (back?.at ?? Date.now()) - first.at;
}

export interface ShownVersion {
  readonly version: string;
  readonly state: string;
  readonly credential: string | null;
}

/** Credentials at the issuer that no live version of the registry is, and the other way round. */
export function orphansAmong(
  there: readonly string[],
  versions: readonly Pick<ShownVersion, 'state' | 'credential'>[],
): number {
  const live = versions.filter(({ state }) => state !== 'revoked' && state !== 'ended');
  const known = live.map(({ credential }) => credential);
  return (
    there.filter((id) => !known.includes(id)).length +
    known.filter((id) => id === null || !there.includes(id)).length
  );
}

/** Asks the database of the demo, as its owner. */
export async function ask<R extends pg.QueryResultRow>(
  databaseOwnerUrl: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const client = new pg.Client({ connectionString: databaseOwnerUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** After a checkpoint, so that what PostgreSQL keeps is in its files. */
export async function checkpoint(databaseOwnerUrl: string): Promise<void> {
  await ask(databaseOwnerUrl, 'checkpoint');
}

/** In how many places a value stands in clear: files of databases, logs, what is kept for bad days, arguments of every process. */
export function plaintextHits(stateFolder: string, values: readonly string[]): number {
  const needles = values.map((value) => Buffer.from(value));
  const holds = (bytes: Buffer): number =>
    needles.filter((needle) => bytes.includes(needle)).length;
  const files = ['postgres', 'temporal', 'log', 'inventory.ndjson', 'contained'].flatMap((name) =>
    filesBelow(join(stateFolder, name)),
  );
  let hits = 0;
  for (const file of files) hits += holds(readFileSync(file));
  for (const bytes of processArguments()) hits += holds(bytes);
  return hits;
}

function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  const real = realpathSync(path);
  if (lstatSync(real).isFile()) return [real];
  if (!lstatSync(real).isDirectory()) return [];
  return readdirSync(real).flatMap((name) => filesBelow(join(real, name)));
}

function processArguments(): Buffer[] {
  if (!existsSync('/proc')) return [execFileSync('ps', ['-axww', '-o', 'args'])];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`)];
      } catch {
        return [];
      }
    });
}
