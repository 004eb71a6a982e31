/** What was done to an issuer while rotor was down: a file for each containment, in lines that are on disk before the next call. */
import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ContainedCredential, Containment } from '../../domain/direct.js';
import { processIdentity } from '../embedded/process-identity.js';
import { hasCode } from '../error-code.js';
import type { SignedPlace } from './inventory-file.js';
import { readLines, signLines } from './signed-lines.js';

const Begun = z.object({
  line: z.literal('begun'),
  at: z.iso.datetime(),
  containmentId: z.uuid(),
  secretId: z.uuid(),
  organization: z.string(),
  secret: z.string(),
  reason: z.string(),
  by: z.string(),
  account: z.string(),
  host: z.string(),
  pid: z.number(),
  process: z.string().optional(),
  versionIds: z.array(z.string()).optional(),
});
type Begun = z.output<typeof Begun>;

const credential = { at: z.iso.datetime(), credentialId: z.string(), versionId: z.string() };

const Line = z.discriminatedUnion('line', [
  Begun,
  z.object({ line: z.literal('calling'), ...credential }),
  z.object({ line: z.literal('gone'), ...credential, how: z.string(), ms: z.number() }),
  z.object({ line: z.literal('failed'), ...credential, code: z.string() }),
  z.object({ line: z.literal('ended'), at: z.iso.datetime() }),
]);
export type JournalLine = z.output<typeof Line>;

/** Each line but for its time, which the journal knows. */
type Untimed<L> = L extends unknown ? Omit<L, 'at'> : never;
export type Noted = Untimed<JournalLine>;

export const journalPurpose = 'journal of containing';

function folderOf({ stateFolder }: Pick<SignedPlace, 'stateFolder'>): string {
  return join(stateFolder, 'contained');
}

export interface Journal {
  readonly file: string;
  /** Returns when it is on disk; throws what the system says where it cannot be. */
  note(line: Noted): void;
}

export type Beginning = Omit<Begun, 'line' | 'at' | 'host' | 'pid' | 'process'>;

export function beginJournal(place: SignedPlace, beginning: Beginning): Journal {
  const folder = folderOf(place);
  makeFolder(place, folder);
  const file = join(folder, `${beginning.containmentId}.ndjson`);
  const { next } = signLines(place.key);
  const journal: Journal = {
    file,
    note: (line) => append(file, next({ ...line, at: new Date().toISOString() })),
  };
  const { pid } = process;
  const who = { host: hostname(), pid, process: processIdentity(pid) };
  journal.note({ line: 'begun', ...beginning, ...who });
  giveToOwner(place, file);
  syncFolder(folder);
  return journal;
}

function makeFolder(place: SignedPlace, folder: string): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) giveToOwner(place, folder);
}

/** Whoever is root on a bad day leaves nothing that the worker's own account could not read. */
function giveToOwner({ stateFolder }: SignedPlace, path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(stateFolder);
  chownSync(path, uid, gid);
}

function append(path: string, text: string): void {
  const file = openSync(path, 'a', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

export interface FoundJournal {
  readonly file: string;
  /** Undefined where its first line is not ours. */
  readonly containment: Containment | undefined;
  /** Nobody adds to it any more. */
  readonly over: boolean;
  readonly rest: 'nothing' | 'torn' | 'changed';
}

/** Those that no start of rotor has taken up yet. */
export function openJournals(place: SignedPlace): FoundJournal[] {
  return journalNames(folderOf(place)).flatMap((name) => read(place, join(folderOf(place), name)));
}

function journalNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.ndjson'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Longer than any call to an issuer takes. */
const silentMs = 10 * 60_000;

function read({ key }: SignedPlace, file: string): FoundJournal[] {
  const text = unlessGone(() => readFileSync(file, 'utf8'));
  if (text === undefined) return [];
  const { entries, rest } = readLines(key, text);
  // What a later release may add says nothing here.
  const lines = entries.flatMap((entry) => Line.safeParse(entry).data ?? []);
  const [begun] = lines;
  if (begun?.line !== 'begun') return [{ file, containment: undefined, over: true, rest }];
  const over = lines.at(-1)?.line === 'ended' || isLeft(file, begun);
  return [{ file, containment: containmentOf(begun, lines), over, rest }];
}

/** Another worker was quicker. */
function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whoever wrote it was killed. */
function isLeft(file: string, { host, pid, process: identity }: Begun): boolean {
  if (host === hostname() && processIdentity(pid) !== identity) return true;
  const touched = unlessGone(() => statSync(file).mtimeMs);
  return touched === undefined || Date.now() - touched > silentMs;
}

function containmentOf(begun: Begun, lines: readonly JournalLine[]): Containment {
  const { containmentId, organization, secret, secretId, reason, by, account, host } = begun;
  const credentials = new Map<string, ContainedCredential>();
  for (const line of lines) {
    if (line.line === 'begun' || line.line === 'ended') continue;
    const { credentialId, versionId } = line;
    credentials.set(credentialId, {
      credentialId,
      versionId,
      outcome: line.line === 'calling' ? 'called' : line.line,
      ...(line.line === 'failed' ? { code: line.code } : {}),
    });
  }
  return {
    ...{ containmentId, organization, secret, secretId, reason, by, account, host },
    versionIds: begun.versionIds,
    begunAt: begun.at,
    lastAt: lines.at(-1)?.at ?? begun.at,
    credentials: [...credentials.values()],
  };
}

/** Kept with what became of it; false where another worker did so. */
export function archiveJournal(file: string, outcome: object): boolean {
  const folder = join(dirname(file), 'reconciled');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = file.slice(dirname(file).length + 1);
  const moved = unlessGone(() => {
    renameSync(file, join(folder, name));
    return true;
  });
  if (moved !== true) return false;
  append(join(folder, name.replace(/\.ndjson$/, '.outcome.json')), `${JSON.stringify(outcome)}\n`);
  return true;
}
