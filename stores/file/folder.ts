/** A folder of folders, each of which is put in its place by one rename: a torn write is never there. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AdapterError } from '../../domain/errors.js';
import { faultCode } from '../../reach/fault-code.js';

const fileName = 'value.age';
/** Beside the values, so that a rename leads from one to the other; what lies here was never a value, or is none any more. */
const aside = '.aside';

export async function readWhole(folder: string, name: string): Promise<Uint8Array | undefined> {
  await refuseOpen(folder);
  try {
    return new Uint8Array(await readFile(join(folder, name, fileName)));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw failed(error, folder);
  }
}

/** False where something is there already. */
export async function placeAside(
  folder: string,
  name: string,
  bytes: Uint8Array,
): Promise<boolean> {
  const draft = join(folder, aside, `${name}.${randomUUID()}`);
  try {
    await mkdir(join(folder, aside), { recursive: true, mode: 0o700 });
    await mkdir(draft, { mode: 0o700 });
    await writeDurably(join(draft, fileName), bytes);
    await flush(draft);
    const isPlaced = await rename(draft, join(folder, name)).then(() => true, falseWhereTaken);
    await flush(folder);
    await clearAside(folder, name);
    return isPlaced;
  } catch (error) {
    throw failed(error, folder);
  }
}

/** Out of its place at once, then gone. */
export async function removeWhole(folder: string, name: string): Promise<void> {
  await refuseOpen(folder);
  try {
    await mkdir(join(folder, aside), { recursive: true, mode: 0o700 });
    const leaving = join(folder, aside, `${name}.${randomUUID()}`);
    await rename(join(folder, name), leaving).catch(ignoreMissing);
    await clearAside(folder, name);
    await flush(folder);
  } catch (error) {
    throw failed(error, folder);
  }
}

/** What an attempt that was killed has left, and what lost a race. */
async function clearAside(folder: string, name: string): Promise<void> {
  const all = await readdir(join(folder, aside));
  for (const left of all.filter((one) => one.startsWith(`${name}.`)))
    await rm(join(folder, aside, left), { recursive: true, force: true });
  await flush(join(folder, aside));
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is on disk once its folder is. */
async function flush(path: string): Promise<void> {
  const opened = await open(path, 'r');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

/** A folder that is not there may be a disk that is not: that is no empty store. */
async function refuseOpen(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new AdapterError('unreadable', `there is no folder ${folder}: make it (mode 0700)`);
  const isOwn = process.getuid === undefined || found.uid === process.getuid();
  if (isOwn && (found.mode & 0o077) === 0) return;
  throw new AdapterError('not-permitted', `${folder} has to be of rotor's user alone (chmod 700)`);
}

function isMissing(error: unknown): boolean {
  return faultCode(error) === 'ENOENT';
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

/** ENOENT: whoever won has cleared this draft away. */
function falseWhereTaken(error: unknown): false {
  if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(faultCode(error))) return false;
  throw error;
}

function failed(error: unknown, folder: string): AdapterError {
  const code = faultCode(error);
  if (['ENOSPC', 'EDQUOT'].includes(code))
    return new AdapterError('no-space', `there is no room in ${folder}`);
  if (['EACCES', 'EPERM', 'EROFS'].includes(code))
    return new AdapterError('not-permitted', `rotor may not read and write in ${folder}`);
  // Whoever won has cleared this draft away while it was written.
  if (code === 'ENOENT') return new AdapterError('busy', `another process writes in ${folder}`);
  return new AdapterError('unreachable', `${folder} cannot be read or written`);
}
