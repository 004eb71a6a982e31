/** A log file as it grows: nothing is lost when it is renamed, and where lines may be lost that is said. */
import { close, fstat, open, read } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AdapterError } from '../domain/errors.js';

export interface LogReader {
  line(text: string): void;
  /** Lines before the next one may be missing. */
  lost(): void;
}

export interface LogPlace {
  readonly path: string;
  /** The server gives each file a name of its own, so that every file of that kind is one of the log's. */
  readonly named: 'once' | 'each';
}

export interface LogTail {
  /** Reads on until a line with the mark was read. */
  readUntil(mark: string, reader: LogReader): Promise<void>;
}

/** By number: a FileHandle would be closed where nobody holds it. */
const descriptor = {
  open: promisify(open),
  read: promisify(read),
  stat: promisify(fstat),
  close: promisify(close),
};

interface OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly id: string;
  /** Until its first line is read. */
  lostBefore: boolean;
  position: number;
  /** The beginning of a line whose end is not written yet; bytes, since a character may be cut too. */
  rest: Buffer;
  /** What was read last: where it is no longer there, the file was emptied and has grown again. */
  before: Buffer;
  writtenMs: number;
}

const chunkBytes = 1024 * 1024;
const comparedBytes = 64;
/** A longer log is read from here on: the record begins later, and says so. */
const firstBytes = 256 * 1024 * 1024;
const attempts = 250;
const attemptMs = 20;

/** Between readings the file stays open: a renamed one is read to its end. */
export function openLogTail(locate: () => Promise<LogPlace>): LogTail {
  let files: OpenFile[] = [];
  return {
    readUntil: async (mark, reader) => {
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        files = await withNewest(files, await locate());
        const marked = await drainAll(files, reader, mark);
        if (marked !== undefined) {
          files = await keepFrom(files, marked, reader);
          return;
        }
        await pause(attemptMs);
      }
      throw new AdapterError(
        'unreachable',
        "the server's log does not grow: is it the right file?",
      );
    },
  };
}

/** The file that has the name now, after those that had it before. */
async function withNewest(files: OpenFile[], place: LogPlace): Promise<OpenFile[]> {
  const { path } = place;
  const found = await stat(path).catch(() => undefined);
  const newest = files.at(-1);
  // Renamed, and the next one is not there yet.
  if (found === undefined && newest !== undefined) return files;
  if (found !== undefined && newest?.id === `${found.dev}:${found.ino}`) return files;
  const opened = await openFile(path, newest === undefined);
  const all = [...files, opened];
  opened.lostBefore = newest === undefined || (await hasSkipped(all, newest, place));
  return all;
}

async function openFile(path: string, isFirst: boolean): Promise<OpenFile> {
  try {
    const fd = await descriptor.open(path, 'r');
    const { dev, ino, size, mtimeMs } = await descriptor.stat(fd);
    return {
      fd,
      path,
      id: `${dev}:${ino}`,
      lostBefore: true,
      position: isFirst ? Math.max(0, size - firstBytes) : 0,
      rest: Buffer.alloc(0),
      before: Buffer.alloc(0),
      writtenMs: mtimeMs,
    };
  } catch {
    throw new AdapterError('unreachable', `the server's log ${path} cannot be read`);
  }
}

/** Another file was written since the last look: the log was rotated twice, and the one between is not read. */
async function hasSkipped(
  files: readonly OpenFile[],
  last: OpenFile,
  { path, named }: LogPlace,
): Promise<boolean> {
  const folder = dirname(path);
  const stem = basename(path, extname(path));
  const known = new Set(files.map(({ id }) => id));
  for (const name of await readdir(folder)) {
    const isOfLog = named === 'once' ? name.startsWith(stem) : extname(name) === extname(path);
    if (!isOfLog) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found === undefined || known.has(`${found.dev}:${found.ino}`)) continue;
    if (found.mtimeMs >= last.writtenMs) return true;
  }
  return false;
}

/** The file in which the mark was. */
async function drainAll(
  files: readonly OpenFile[],
  reader: LogReader,
  mark: string,
): Promise<OpenFile | undefined> {
  let marked: OpenFile | undefined;
  for (const file of files) {
    const watching: LogReader = {
      lost: () => reader.lost(),
      line: (text) => {
        if (text.includes(mark)) marked = file;
        reader.line(text);
      },
    };
    await drain(file, watching);
  }
  return marked;
}

/** The server writes to that file now: those before it are complete, and are read to their end. */
async function keepFrom(
  files: readonly OpenFile[],
  marked: OpenFile,
  reader: LogReader,
): Promise<OpenFile[]> {
  const at = files.indexOf(marked);
  for (const file of files.slice(0, at)) {
    await drain(file, reader);
    await descriptor.close(file.fd);
  }
  return files.slice(at);
}

async function drain(file: OpenFile, reader: LogReader): Promise<void> {
  const { size, mtimeMs } = await descriptor.stat(file.fd);
  if (size < file.position || !(await stillThere(file))) {
    Object.assign(file, { position: 0, rest: Buffer.alloc(0), before: Buffer.alloc(0) });
    file.lostBefore = true;
  }
  if (file.lostBefore && size > file.position) {
    reader.lost();
    file.lostBefore = false;
  }
  while (file.position < size) {
    const wanted = Math.min(chunkBytes, size - file.position);
    const chunk = Buffer.alloc(wanted);
    const { bytesRead } = await descriptor.read(file.fd, chunk, 0, wanted, file.position);
    if (bytesRead === 0) break;
    take(file, chunk.subarray(0, bytesRead), reader);
  }
  file.writtenMs = mtimeMs;
}

async function stillThere({ fd, position, before }: OpenFile): Promise<boolean> {
  const found = Buffer.alloc(before.length);
  const { bytesRead } = await descriptor.read(fd, found, 0, found.length, position - before.length);
  return bytesRead === before.length && found.equals(before);
}

function take(file: OpenFile, chunk: Buffer, reader: LogReader): void {
  const bytes = Buffer.concat([file.rest, chunk]);
  const end = bytes.lastIndexOf(0x0a);
  file.position += chunk.length;
  file.rest = bytes.subarray(end + 1);
  file.before = Buffer.concat([file.before, chunk]).subarray(-comparedBytes);
  if (end < 0) return;
  for (const line of bytes.toString('utf8', 0, end).split('\n')) reader.line(line);
}
