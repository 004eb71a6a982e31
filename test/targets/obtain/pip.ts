/** Python packages, in folders of their own: nothing is installed into the system's Python. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { cachedFolder } from './cached.js';
import { runTool, type Sources } from './sources.js';

const install = 'apt-get install -y --no-install-recommends python3 python3-pip';

interface Package {
  readonly target: string;
  readonly name: string;
  readonly version: string;
  /** Arguments of `pip install`: the pinned package, and its constraints. */
  readonly wanted: readonly string[];
  /** Throws where what was installed is not what we know. */
  readonly check?: (folder: string) => Promise<void>;
}

/** The folder to put on PYTHONPATH. Compiled parts fit one Python only, so its version is a part of the name. */
export async function pipPackage(sources: Sources, wanted: Package): Promise<string> {
  const { target } = wanted;
  const python = (args: readonly string[]): Promise<string> =>
    runTool(sources, { target, command: 'python3', args, install });
  const tag = (await python(['-c', 'import sys; print("py%d.%d" % sys.version_info[:2])'])).trim();
  const name = `${wanted.name}-${wanted.version}-${tag}-${process.platform}-${process.arch}`;
  return cachedFolder(sources.cache, name, async (draft) => {
    // Only what is used is compiled, when it is used: everything would take as long as the fetching.
    const options = [
      '--quiet',
      '--disable-pip-version-check',
      '--only-binary=:all:',
      '--no-compile',
    ];
    await python(['-m', 'pip', 'install', ...options, '--target', draft, ...wanted.wanted]);
    await wanted.check?.(draft);
  });
}

export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
