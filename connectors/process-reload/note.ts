/** A note beside a file: how it was when its processes were last told. Where it is another now, they have to be told. */
import { createHash } from 'node:crypto';
import { stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AdapterError } from '../../domain/errors.js';
import { createText, readText, realFile } from '../files.js';

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

/** Which file it is, and since when: each write makes another one. Of what is in it the note says nothing. */
export async function stateOf({ file, roots }: Place): Promise<string> {
  try {
    const { ino, mtimeNs } = await stat(realFile(file, { roots }), { bigint: true });
    return `${ino} ${mtimeNs}`;
  } catch {
    return 'none';
  }
}

/** A note that is there already stays: what it stands for was never told. */
export async function rememberBefore({ note }: Place, state: string): Promise<void> {
  try {
    await createText(note, state);
  } catch (error) {
    if (!(error instanceof AdapterError) || error.code !== 'changed-meanwhile') throw error;
  }
}

export async function isChanged(place: Place): Promise<boolean> {
  const note = await readNote(place);
  return note !== undefined && note !== (await stateOf(place));
}

export async function forgetChange({ note }: Place): Promise<void> {
  await unlink(note).catch(() => undefined);
}

/** Never `unreadable`: that would stand for the file itself, and who cannot read that one writes it unseen. */
async function readNote({ note, roots }: Place): Promise<string | undefined> {
  try {
    return (await readText(note, { roots })).text;
  } catch (error) {
    const code = error instanceof AdapterError ? error.code : undefined;
    if (code === 'not-found') return undefined;
    if (code !== 'unreadable') throw error;
    throw new AdapterError('not-permitted', `rotor may not read its own note ${note}`);
  }
}
