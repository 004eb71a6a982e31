/** The key file: one root that audit and fingerprint keys derive from, and the keys that values are sealed with. */
import { hkdfSync, randomBytes } from 'node:crypto';
import {
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
const KeyFile = z.strictObject({
  root: Key,
  /** The first seals; the others only open what was sealed before. */
  sealing: z.array(z.strictObject({ kid: z.string().min(1), key: Key })).min(1),
});

export interface SealingKey {
  readonly kid: string;
  readonly key: Uint8Array;
}

export interface Keys {
  readonly sealing: readonly SealingKey[];
  /** 32 bytes for one purpose (HKDF-SHA-256, RFC 5869); the same as long as the root is. */
  derive(purpose: string): Buffer;
}

/** Throws `key-file-unusable` with a hint, never with the content. */
export function readKeyFile(path: string): Keys {
  const { root, sealing } = readContent(path);
  return {
    sealing: sealing.map(({ kid, key }) => ({ kid, key: bytes(key) })),
    derive: (purpose) => Buffer.from(hkdfSync('sha256', bytes(root), '', `rotor ${purpose}`, 32)),
  };
}

function readContent(path: string): z.output<typeof KeyFile> {
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

function newSealingKey(): { kid: string; key: string } {
  return { kid: randomBytes(6).toString('hex'), key: newKey() };
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

/** What is sealed from now on has a new key; older values open with theirs until they are resealed. */
export function addSealingKey(path: string): void {
  const { root, sealing } = readContent(path);
  const next = `${path}.next`;
  // What a killed rotation left may have another mode, and holds keys that nothing was sealed with.
  rmSync(next, { force: true });
  write(next, { root, sealing: [newSealingKey(), ...sealing] });
  renameSync(next, path);
  syncFolder(path);
}

/** Never over a file that exists. */
function write(path: string, content: z.output<typeof KeyFile>): void {
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
