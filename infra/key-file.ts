/** The key file: one root that audit and fingerprint keys derive from, and the keys that values are sealed with. */
import { hkdfSync, randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { RotorError } from '../domain/errors.js';
import { hasCode } from './error-code.js';

const Key = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected 32 bytes as base64url');
const Sealing = z.strictObject({
  kid: z.string().min(1),
  key: Key,
  /** Opens only, until it is promoted: others may not have it yet. */
  pending: z.literal(true).optional(),
});
const KeyFile = z.strictObject({
  root: Key,
  /** The first seals; the others only open what was sealed before, or by others. */
  sealing: z
    .array(Sealing)
    .min(1)
    .refine(([first]) => first?.pending !== true, 'the first key cannot be pending'),
});
type KeyFile = z.output<typeof KeyFile>;

export interface SealingKey {
  readonly kid: string;
  readonly key: Uint8Array;
  readonly pending?: true | undefined;
}

/** The first seals. */
export type SealingKeys = readonly [SealingKey, ...SealingKey[]];

export interface Keys {
  /** Of the file as it is now: read again when it was replaced. */
  sealing(): SealingKeys;
  /** 32 bytes for one purpose (HKDF-SHA-256, RFC 5869); the same as long as the root is. */
  derive(purpose: string): Buffer;
}

/** Throws `key-file-unusable` with a hint, never with the content. */
export function readKeyFile(path: string): Keys {
  const { root } = readContent(path);
  return {
    sealing: sealingOf(path),
    derive: (purpose) => Buffer.from(hkdfSync('sha256', bytes(root), '', `rotor ${purpose}`, 32)),
  };
}

/** A file that is away or half there for a moment is no reason to forget keys. */
function sealingOf(path: string): () => SealingKeys {
  let stamp = stampOf(path);
  let known = keysOf(readContent(path));
  return () => {
    const now = stampOf(path);
    if (now === stamp) return known;
    try {
      known = keysOf(readContent(path));
      stamp = now;
    } catch (error) {
      if (!(error instanceof RotorError)) throw error;
    }
    return known;
  };
}

/** Another one for every file that takes its place. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`;
}

function keysOf({ sealing }: KeyFile): SealingKeys {
  const [first, ...others] = sealing.map((one) => ({ ...one, key: bytes(one.key) }));
  if (first === undefined) throw new Error('a key file has a key that seals');
  return [first, ...others];
}

function readContent(path: string): KeyFile {
  const parsed = KeyFile.safeParse(readJson(path));
  if (parsed.success) return parsed.data;
  throw unusable(path, 'is not a key file', 'rotor creates one at its first start');
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}

function unusable(path: string, why: string, hint: string): RotorError {
  return new RotorError('key-file-unusable', `the key file ${path} ${why}`, {
    kind: 'invalid',
    hint,
  });
}

function readJson(path: string): unknown {
  refuseOpenFile(path);
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw unusable(path, 'cannot be read', 'it is JSON, readable by rotor alone');
  }
}

function refuseOpenFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw unusable(path, 'does not exist', 'ROTOR_KEY_FILE says where it is');
  if ((found.mode & 0o077) === 0) return;
  throw unusable(path, 'can be read by others', `chmod 600 ${path}`);
}

function newKey(): string {
  return randomBytes(32).toString('base64url');
}

function newKid(): string {
  return randomBytes(6).toString('hex');
}

function newSealingKey(kid = newKid()): { kid: string; key: string } {
  return { kid, key: newKey() };
}

/** Never overwrites: who comes second gets what the first wrote, and always the whole of it. */
export function createKeyFile(path: string): void {
  const beside = `${path}.${randomBytes(6).toString('hex')}`;
  write(beside, { root: newKey(), sealing: [newSealingKey()] });
  try {
    linkSync(beside, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(beside);
  }
  syncFolder(path);
}

/** A kid for `addSealingKey`: of the key that is pending, or else a new one. */
export function kidToAdd(path: string): string {
  return pendingKid(path) ?? newKid();
}

export function pendingKid(path: string): string | undefined {
  return readContent(path).sealing.find(({ pending }) => pending)?.kid;
}

/** A key that only opens until it is promoted; nothing where one is pending already. */
export function addSealingKey(path: string, kid: string): void {
  const content = readContent(path);
  if (content.sealing.some(({ pending }) => pending)) return;
  const added = { ...newSealingKey(kid), pending: true as const };
  replace(path, { ...content, sealing: [...content.sealing, added] });
}

/** What is sealed from now on has this key, where it is pending. */
export function promoteSealingKey(path: string, kid: string): void {
  const { root, sealing } = readContent(path);
  const promoted = sealing.find((key) => key.pending && key.kid === kid);
  if (promoted === undefined) return;
  const { pending: _pending, ...first } = promoted;
  replace(path, { root, sealing: [first, ...sealing.filter((key) => key !== promoted)] });
}

/** Never the one that seals, nor one that is pending. */
export function dropSealingKeys(path: string, kids: readonly string[]): void {
  const { root, sealing } = readContent(path);
  const stays = sealing.filter(
    ({ kid, pending }, index) => index === 0 || pending === true || !kids.includes(kid),
  );
  if (stays.length < sealing.length) replace(path, { root, sealing: stays });
}

/** The whole of it or nothing, with the owner that it had. */
function replace(path: string, content: KeyFile): void {
  const next = `${path}.next`;
  try {
    const { uid, gid } = statSync(path);
    // What a killed process left may have another mode, and holds keys that nothing was sealed with.
    rmSync(next, { force: true });
    write(next, content);
    if (uid !== process.getuid?.()) chownSync(next, uid, gid);
    renameSync(next, path);
    syncFolder(path);
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw unusable(path, 'cannot be replaced', 'rotor must be able to write in its folder');
  }
}

/** Never over a file that exists. */
function write(path: string, content: KeyFile): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Values may be sealed from here on: the key must not vanish with the power. */
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
