/** The environment that processes of rotor's own user were started with, where the system shows it (Linux). */
import { open as openFile, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Looking } from '../../domain/discover/place.js';
import { AdapterError } from '../../domain/errors.js';
import { faultCode } from '../../reach/fault-code.js';
import { placeKind } from '../kind.js';

const Options = z.strictObject({
  mostProcesses: z.number().int().min(1).max(100_000).default(5_000),
});
type Options = z.output<typeof Options>;

const root = '/proc';
const largest = 4 * 1024 * 1024;

export const processes = placeKind({
  kind: 'processes',
  options: Options,
  open: (options) => ({
    name: "processes of rotor's user",
    covers: 'process ',
    check: async () => `${(await idsShown()).length} processes, of all users`,
    look: (looking) => look(options, looking),
  }),
});

async function look({ mostProcesses }: Options, looking: Looking): Promise<string> {
  const ids = await idsShown();
  let count = 0;
  for (const id of ids) {
    // root may read everybody's: it is its own that is meant.
    if (!(await isOwn(id))) continue;
    if (looking.signal.aborted || count >= mostProcesses) {
      looking.passedOver('process ', `after ${count} processes the rest was not looked at`);
      break;
    }
    count += 1;
    await lookAtProcess(looking, id);
  }
  return `${count} processes, as they were started`;
}

async function idsShown(): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  const ids = names.filter((name) => /^\d+$/.test(name));
  if (ids.length > 0) return ids;
  throw new AdapterError('unreadable', 'this system does not show the environment of processes');
}

async function isOwn(id: string): Promise<boolean> {
  const found = await stat(join(root, id)).catch(() => undefined);
  return found?.uid === process.getuid?.();
}

async function lookAtProcess(looking: Looking, id: string): Promise<void> {
  const name = (await readFile(join(root, id, 'comm'), 'utf8').catch(() => '')).trim();
  const identity = `process ${name}`;
  const read = await readSome(join(root, id, 'environ'));
  // One that has ended meanwhile is nobody.
  if (read === 'ended') return;
  if (typeof read === 'string') return looking.passedOver(identity, `pid ${id} ${read}`);
  for (const entry of read.toString('utf8').split('\0')) {
    const at = entry.indexOf('=');
    if (at < 1) continue;
    const variable = entry.slice(0, at);
    const spot = { identity: `${identity}#${variable}`, detail: `pid ${id}`, variable };
    await looking.met(spot, entry.slice(at + 1));
  }
}

async function readSome(path: string): Promise<Buffer | string> {
  try {
    return await readEnvironment(path);
  } catch (error) {
    const code = faultCode(error);
    return code === 'ENOENT' || code === 'ESRCH' ? 'ended' : `cannot be read (${code})`;
  }
}

/** Its size is not known before. */
async function readEnvironment(path: string): Promise<Buffer | string> {
  const file = await openFile(path, 'r');
  try {
    const parts: Buffer[] = [];
    for (let size = 0; size <= largest;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(65_536), 0, 65_536, null);
      if (bytesRead === 0) return Buffer.concat(parts);
      size += bytesRead;
      parts.push(buffer.subarray(0, bytesRead));
    }
    return `has an environment of more than ${largest} bytes`;
  } finally {
    await file.close();
  }
}
