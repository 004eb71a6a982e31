/** Files as destinations: only below allowed roots, replaced atomically, never over somebody else's change. */
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  open,
  readdir,
  readFile,
  realpath,
  rename,
  stat,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { AdapterError, type AdapterErrorCode } from '../domain/errors.js';

export const FileOptions = z.strictObject({
  roots: z
    .array(z.string().refine(isAbsolute, 'expected an absolute folder'))
    .min(1)
    .describe('folders that rotor may write in; links are followed before they are compared'),
});
export type FileOptions = z.output<typeof FileOptions>;

export const FilePath = z
  .string()
  .max(4_096)
  .refine(isAbsolute, 'expected an absolute path')

  .refine((path) => !/[\u0000-\u001f]/.test(path), 'expected no control characters');

/** The file itself where links are followed, or where it would be. Throws `not-permitted` outside of the roots. */
export function realFile(path: string, { roots }: FileOptions): string {
  const real = realOrParent(resolve(path));
  const allowed = roots.map((root) => realOrSame(root));
  if (
    allowed.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep))
  ) {
    return real;
  }
  throw new AdapterError('not-permitted', `${path} is not below a folder that rotor may write in`);
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function realOrParent(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return join(realOrSame(dirname(path)), basename(path));
  }
}

const codes: Readonly<Record<string, AdapterErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EACCES: 'unreadable',
  EPERM: 'read-only',
  EROFS: 'read-only',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'no-space',
  EISDIR: 'invalid-destination',
};

/** Node's own message names the path only, yet a fixed one is said. */
function toAdapterError(error: unknown, path: string, doing: 'reading' | 'writing'): AdapterError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = codes[code] ?? 'unreachable';
  const meant = doing === 'writing' && known === 'unreadable' ? 'read-only' : known;
  return new AdapterError(meant, `${doing} ${path} failed (${code || 'unknown'})`);
}

export interface FileContent {
  readonly path: string;
  readonly text: string;
  readonly digest: string;
}

const largestFile = 4 * 1024 * 1024;

export async function readText(path: string, options: FileOptions): Promise<FileContent> {
  const real = realFile(path, options);
  try {
    const bytes = await readFile(real);
    if (bytes.length > largestFile)
      throw new AdapterError('invalid-destination', `${path} is too large`);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { path: real, text, digest: digestOf(bytes) };
  } catch (error) {
    if (error instanceof AdapterError) throw error;
    if (error instanceof TypeError)
      throw new AdapterError('invalid-destination', `${path} is not UTF-8 text`);
    throw toAdapterError(error, path, 'reading');
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const marker = '.rotor-';

/**
 * Writes beside the file, with its mode and owner, and renames: a reader sees the old or the new text,
 * also after a crash. Throws `changed-meanwhile` where the file is no longer what was read.
 */
export async function replaceText(before: FileContent, text: string): Promise<void> {
  const folder = dirname(before.path);
  const beside = join(
    folder,
    `.${basename(before.path)}${marker}${randomBytes(6).toString('hex')}`,
  );
  try {
    await removeLeftovers(before.path);
    await writeLike(before.path, beside, text);
    if (digestOf(await readFile(before.path)) !== before.digest) {
      throw new AdapterError('changed-meanwhile', `${before.path} was changed by somebody else`);
    }
    await rename(beside, before.path);
    await syncFolder(folder);
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    throw error instanceof AdapterError ? error : toAdapterError(error, before.path, 'writing');
  }
}

async function writeLike(original: string, beside: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(original);
  if ((mode & 0o200) === 0) throw new AdapterError('read-only', `${original} is not writable`);
  const file = await open(beside, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    await file.writeFile(text);
    await keepOwner(file, uid, gid);
    await file.chmod(mode & 0o7777);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Another's file stays another's: where that cannot be kept, nothing is written. */
async function keepOwner(file: FileHandle, uid: number, gid: number): Promise<void> {
  const own = await file.stat();
  if (own.uid !== uid || own.gid !== gid) await file.chown(uid, gid);
}

/** What a killed write left: it holds a value, so it goes. Younger ones may be another's write. */
async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const begin = `.${basename(path)}${marker}`;
  for (const name of (await readdir(folder)).filter((entry) => entry.startsWith(begin))) {
    const left = join(folder, name);
    const { mtimeMs } = await stat(left).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > 60_000) await unlink(left).catch(() => undefined);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(await realpath(folder), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
