/** The files of a folder, so deep, so many and so large: what is more is passed over, and said. */
import { constants, realpathSync } from 'node:fs';
import { lstat, open as openFile, opendir, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { Looking } from '../../domain/discover/place.js';
import { AdapterError } from '../../domain/errors.js';
import { isBeingWritten } from '../../reach/draft.js';
import { faultCode } from '../../reach/fault-code.js';
import { placeKind } from '../kind.js';
import { lookAtText } from './text.js';

const Options = z.strictObject({
  path: z.string().min(1).max(4_096).refine(isAbsolute, 'expected an absolute folder'),
  depth: z.number().int().min(0).max(32).default(8).describe('folders below it; 0: its files only'),
  mostFiles: z.number().int().min(1).max(100_000).default(10_000),
  largestFile: z.number().int().min(1).max(4_194_304).default(1_048_576).describe('in bytes'),
  mostBytes: z.number().int().min(1).max(1_073_741_824).default(67_108_864).describe('of all'),
});
type Options = z.output<typeof Options>;

export const folder = placeKind({
  kind: 'folder',
  options: Options,
  open: (options) => ({
    name: `folder ${options.path}`,
    covers: asFolder(realOrSame(options.path)),
    check: () => check(options),
    look: (looking) => look(options, looking),
  }),
});

function asFolder(path: string): string {
  return path.endsWith(sep) ? path : path + sep;
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** One name of it is read, however many there are. */
async function check({ path }: Options): Promise<string> {
  try {
    const folder = await opendir(path);
    const first = await folder.read().finally(() => folder.close());
    return first === null ? 'is empty' : 'can be read';
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): AdapterError {
  return new AdapterError('unreadable', `${path} cannot be read (${faultCode(error)})`);
}

interface Walk {
  readonly options: Options;
  readonly looking: Looking;
  files: number;
  bytes: number;
}

async function look(options: Options, looking: Looking): Promise<string> {
  const walk: Walk = { options, looking, files: 0, bytes: 0 };
  const root = await realpath(options.path).catch((error: unknown) => {
    throw unreadable(options.path, error);
  });
  await lookBelow(walk, root, 0);
  return `${walk.files} files, ${walk.bytes} bytes`;
}

async function lookBelow(walk: Walk, path: string, depth: number): Promise<void> {
  const { options, looking } = walk;
  const names = await readdir(path).catch((error: unknown) => {
    looking.passedOver(path, `cannot be read (${faultCode(error)})`);
    return [];
  });
  for (const name of names.sort()) {
    const child = join(path, name);
    const whyNot = limitOf(walk);
    // Once for what is left: whoever is told of each file learns no more.
    if (whyNot !== undefined) return looking.passedOver(path, whyNot);
    const found = await lstat(child).catch(() => undefined);
    if (found === undefined) continue;
    if (found.isDirectory() && depth >= options.depth)
      looking.passedOver(child, `is deeper than ${options.depth}`);
    else if (found.isDirectory()) await lookBelow(walk, child, depth + 1);
    else if (found.isFile() && isBeingWritten(name, found.mtimeMs))
      looking.passedOver(child, 'rotor is writing it');
    else if (found.isFile()) await lookAtFile(walk, child);
    else passOverOther(looking, child, found.isSymbolicLink());
  }
}

function limitOf({ options, looking, files, bytes }: Walk): string | undefined {
  if (looking.signal.aborted) return 'the time was over: what follows here was not looked at';
  if (files >= options.mostFiles)
    return `more than ${options.mostFiles} files: what follows here was not looked at`;
  if (bytes >= options.mostBytes)
    return `more than ${options.mostBytes} bytes: what follows here was not looked at`;
  return undefined;
}

function passOverOther(looking: Looking, path: string, isLink: boolean): void {
  looking.passedOver(path, isLink ? 'is a link, and is not followed' : 'is no file');
}

async function lookAtFile(walk: Walk, path: string): Promise<void> {
  const { looking } = walk;
  walk.files += 1;
  const read = await readSome(path, walk.options.largestFile).catch(
    (error: unknown) => `cannot be read (${faultCode(error)})`,
  );
  if (typeof read === 'string') return looking.passedOver(path, read);
  walk.bytes += read.length;
  if (!isUtf8(read) || read.includes(0)) return looking.passedOver(path, 'is not text');
  await lookAtText(looking, path, read.toString('utf8'));
}

/** Not through a link that took its place meanwhile, and never waiting for a pipe. */
async function readSome(path: string, most: number): Promise<Buffer | string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await openFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) return 'is no file';
    if (found.size > most) return `is larger than ${most} bytes`;
    return await file.readFile();
  } finally {
    await file.close();
  }
}
