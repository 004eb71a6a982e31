/** The observer: measures from outside only, by HTTP, files, the issuer's list and exit codes. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { attemptsFile } from './program.js';
import { authority, type Scene } from './scene.js';

export interface Attempt {
  readonly at: number;
  readonly outcome: string;
}

export function attemptsOf(folder: string, name: string): Attempt[] {
  const file = attemptsFile(folder, name);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((parts) => parts.length === 2)
    .map(([at, outcome]) => ({ at: Number(at), outcome: outcome ?? '' }));
}

/** Whether the authority takes the value, and what it says: refused is not the same as no answer. */
export async function tryValue(scene: Scene, value: string, userAgent: string): Promise<string> {
  try {
    const response = await fetch(`${scene.url}/oauth/token`, {
      method: 'POST',
      headers: { 'user-agent': userAgent },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: scene.clientId,
        client_secret: value,
      }),
    });
    await response.arrayBuffer();
    if (response.ok) return 'accepted';
    return response.status === 401 ? 'refused' : 'lost';
  } catch {
    return 'lost';
  }
}

/** From the first refusal after the moment to the first acceptance after that; 0 where there was none. */
export function outageSince(attempts: readonly Attempt[], since: number): number {
  const after = attempts.filter(({ at }) => at >= since);
  const first = after.find(({ outcome }) => outcome === 'refused');
  if (first === undefined) return 0;
  const back = after.find(({ at, outcome }) => at > first.at && outcome === 'accepted');
  return (back?.at ?? Date.now()) - first.at;
}

interface Shown {
  readonly versions: readonly { readonly state: string; readonly credential: string | null }[];
}

/** Live credentials at the issuer that no live version of the registry is, and the other way round. */
export async function countOrphans(scene: Scene, shown: Shown): Promise<number> {
  const path = `/clients/${scene.clientId}/credentials`;
  const listed = await authority<{ credentialId: string }[]>(scene, path);
  const live = shown.versions.filter(({ state }) => state !== 'revoked' && state !== 'ended');
  const known = new Set(live.map(({ credential }) => credential));
  const there = new Set(listed.map(({ credentialId }) => credentialId));
  const orphans = [...there].filter((id) => !known.has(id));
  const lost = [...known].filter((id) => id === null || !there.has(id));
  return orphans.length + lost.length;
}

/** After a checkpoint, so that what PostgreSQL keeps is in its files. */
export async function checkpoint(databaseOwnerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseOwnerUrl });
  await client.connect();
  await client.query('checkpoint');
  await client.end();
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
