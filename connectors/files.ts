/** Files as destinations: only below allowed roots, replaced atomically, never over somebody else's change. */
import { createHash, randomBytes } from 'node:crypto';
import { constants, realpathSync } from 'node:fs';
import {
  link,
  open,
  readdir,
  realpath,
  rename,
  stat,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { AdapterError, type AdapterErrorCode } from '../domain/errors.js';
import { isBeingWritten, isDraftOf } from '../reach/draft.js';
import { faultCode } from '../reach/fault-code.js';

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
  throw new AdapterError(
    'not-permitted',
    `${path} is not below a folder that rotor may write in (the roots of its connector in rotor.yaml)`,
  );
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
  EPERM: 'unreadable',
  EROFS: 'read-only',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'no-space',
  EISDIR: 'invalid-destination',
  ELOOP: 'invalid-destination',
  ENAMETOOLONG: 'invalid-destination',
  // A pipe that nobody reads, or a socket.
  ENXIO: 'invalid-destination',
};

/** Node's own message names the path only, yet a fixed one is said. */
function toAdapterError(error: unknown, path: string, doing: 'reading' | 'writing'): AdapterError {
  const code = faultCode(error);
  const known = codes[code] ?? 'unreachable';
  const meant = doing === 'writing' && known === 'unreadable' ? 'read-only' : known;
  return new AdapterError(meant, `${doing} ${path} failed (${code})`);
}

const turns = new Map<string, Promise<unknown>>();

/** One change of a file at a time in this process: two secrets may live in one file. */
export function inTurn<R>(path: string, work: () => Promise<R>): Promise<R> {
  const turn = (turns.get(path) ?? Promise.resolve()).then(work, work);
  turns.set(path, turn);
  const end = (): void => {
    if (turns.get(path) === turn) turns.delete(path);
  };
  turn.then(end, end);
  return turn;
}

export interface FileContent {
  readonly path: string;
  readonly text: string;
  readonly digest: string;
}

const largestFile = 4 * 1024 * 1024;

/** Throws `not-found`, `unreadable`, `not-permitted`, or `invalid-destination` where it is no file of UTF-8 text. */
export async function readText(path: string, options: FileOptions): Promise<FileContent> {
  const real = realFile(path, options);
  try {
    const bytes = await readBytes(real);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { path: real, text, digest: digestOf(bytes) };
  } catch (error) {
    if (error instanceof AdapterError) throw error;
    if (faultCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new AdapterError('invalid-destination', `${path} is not UTF-8 text`);
    throw toAdapterError(error, path, 'reading');
  }
}

async function readBytes(path: string): Promise<Buffer> {
  // Without waiting: a pipe that nobody writes to would hold rotor up. Links were followed when the path
  // was checked: one that is there now leads nowhere, or was put there since.
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const file = await open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new AdapterError('invalid-destination', `${path} is not a file`);
    if (found.size > largestFile)
      throw new AdapterError('invalid-destination', `${path} is too large`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whose write it is: the machine and the process, so that a dead one's can be told. */
const ownMark = `.rotor-${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}-`;

function besideOf(path: string): string {
  const name = `.${basename(path)}${ownMark}${process.pid}-${randomBytes(6).toString('hex')}`;
  return join(dirname(path), name);
}

/**
 * Writes beside the file, with its mode and owner, and renames: a reader sees the old or the new text,
 * also after a crash. Throws `changed-meanwhile` where the file is no longer what was read, and `busy` where
 * another process of rotor is writing it. Call it in the file's turn.
 */
export async function replaceText(before: FileContent, text: string): Promise<void> {
  refuseTooLarge(before.path, text);
  await moveIntoPlace(before.path, async (beside) => {
    await writeLike(before.path, beside, text);
    // In this order two writers never miss each other: each is to be seen before it looks, and looks
    // before it compares.
    await refuseBesideOthers(before.path, beside);
    if (digestOf(await readBytes(before.path)) !== before.digest) {
      throw new AdapterError('changed-meanwhile', `${before.path} was changed by somebody else`);
    }
    await rename(beside, before.path);
  });
}

/** Undefined where the file is missing and may be made. */
export async function readOrNone(
  create: boolean,
  read: () => Promise<FileContent>,
): Promise<FileContent | undefined> {
  try {
    return await read();
  } catch (error) {
    if (create && error instanceof AdapterError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** A new file that rotor alone can read. Throws `changed-meanwhile` where it exists by now. */
export async function createText(path: string, text: string): Promise<void> {
  refuseTooLarge(path, text);
  await moveIntoPlace(path, async (beside) => {
    await writeNew(beside, (file) => file.writeFile(text));
    await link(beside, path);
    await unlink(beside);
  });
}

/** What rotor could not read again, it does not write. */
function refuseTooLarge(path: string, text: string): void {
  if (Buffer.byteLength(text) > largestFile)
    throw new AdapterError(
      'refused',
      `with the value, ${path} would be too large to be read again`,
    );
}

async function moveIntoPlace(path: string, move: (beside: string) => Promise<void>): Promise<void> {
  const beside = besideOf(path);
  try {
    await refuseBesideOthers(path, beside);
    await move(beside);
    await syncFolder(dirname(path));
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    if (faultCode(error) === 'EEXIST')
      throw new AdapterError('changed-meanwhile', `${path} was created by somebody else`);
    throw error instanceof AdapterError ? error : toAdapterError(error, path, 'writing');
  }
}

async function writeNew(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    await fill(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeLike(original: string, beside: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(original);
  if ((mode & 0o200) === 0) throw new AdapterError('read-only', `${original} is not writable`);
  await writeNew(beside, async (file) => {
    await file.writeFile(text);
    await keepOwner(file, uid, gid);
    await file.chmod(mode & 0o7777);
  });
}

/** Another's file stays another's: where that cannot be kept, nothing is written. */
async function keepOwner(file: FileHandle, uid: number, gid: number): Promise<void> {
  const own = await file.stat();
  if (own.uid !== uid || own.gid !== gid) await file.chown(uid, gid);
}

/** What a killed write left holds a value, so it goes. Throws `busy` where another process may still be writing. */
async function refuseBesideOthers(path: string, own: string): Promise<void> {
  const folder = dirname(path);
  const file = basename(path);
  let isWritten = false;
  for (const name of await readdir(folder)) {
    const beside = join(folder, name);
    if (!isDraftOf(file, name) || beside === own) continue;
    if (await isLeftover(beside, name.slice(file.length + 1)))
      await unlink(beside).catch(() => undefined);
    else isWritten = true;
  }
  if (isWritten) throw new AdapterError('busy', `another process of rotor is writing ${path}`);
}

async function isLeftover(path: string, mark: string): Promise<boolean> {
  // In a file's turn this process writes nothing else beside it: what bears its id is a dead one's.
  const pid = Number(mark.split('-')[2]);
  if (mark.startsWith(ownMark) && (pid === process.pid || !isAlive(pid))) return true;
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
  return !isBeingWritten(mark, mtimeMs);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return faultCode(error) !== 'ESRCH';
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
