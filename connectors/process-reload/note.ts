/** A note beside a file: how it was when its processes were last told. Where it is another now, they have to be told. */
import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AdapterError } from '../../domain/errors.js';
import { createText, readText } from '../files.js';

export interface Place {
  readonly file: string;
  readonly roots: string[];
  /** The path of the note. */
  readonly note: string;
}

/** One for each place in a file: what is owed for one is not settled by another. */
export function noteFor(realPath: string, identity: string): string {
  const mark = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return join(dirname(realPath), `.${basename(realPath)}.rotor-told-${mark}`);
}

const none = 'none';

export async function digestOf({ file, roots }: Place): Promise<string> {
  return (await readOrNone(file, roots))?.digest ?? none;
}

/** A note that is there already stays: what it stands for was never told. */
export async function rememberBefore({ note }: Place, digest: string): Promise<void> {
  try {
    await createText(note, digest);
  } catch (error) {
    if (!(error instanceof AdapterError) || error.code !== 'changed-meanwhile') throw error;
  }
}

export async function isChanged(place: Place): Promise<boolean> {
  const note = await readNote(place);
  return note !== undefined && note.text !== (await digestOf(place));
}

export async function forgetChange({ note }: Place): Promise<void> {
  await unlink(note).catch(() => undefined);
}

/** Never `unreadable`: that would stand for the file itself, and who cannot read that one writes it unseen. */
async function readNote({ note, roots }: Place) {
  try {
    return await readOrNone(note, roots);
  } catch (error) {
    if (!(error instanceof AdapterError) || error.code !== 'unreadable') throw error;
    throw new AdapterError('not-permitted', `rotor may not read its own note ${note}`);
  }
}

async function readOrNone(path: string, roots: string[]) {
  try {
    return await readText(path, { roots });
  } catch (error) {
    if (error instanceof AdapterError && error.code === 'not-found') return undefined;
    throw error;
  }
}
