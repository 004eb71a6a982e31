/** Programs of the distribution: those that are installed, else installed where we may. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';
import { cannotObtain, runTool, type Sources } from './sources.js';

interface Package {
  readonly target: string;
  readonly name: string;
  readonly program: string;
}

export async function aptProgram(sources: Sources, wanted: Package): Promise<string> {
  const { target, name, program } = wanted;
  const places = sources.path.split(delimiter).filter((place) => place !== '');
  const find = (): string | undefined =>
    places.map((place) => join(place, program)).find((file) => existsSync(file));
  const found = find();
  if (found !== undefined) return found;
  const command = `apt-get install -y --no-install-recommends ${name}`;
  if (!sources.isRoot)
    throw cannotObtain({
      target,
      tool: program,
      why: 'not installed, and we are not root',
      command,
    });
  await install(sources, wanted);
  const installed = find();
  if (installed !== undefined) return installed;
  throw cannotObtain({ target, tool: program, why: `not in the package ${name}`, command });
}

/** The index is fetched only where the package is not found with the one that is there. */
async function install(sources: Sources, wanted: Package): Promise<void> {
  const args = ['install', '-y', '--no-install-recommends', wanted.name];
  try {
    await aptGet(sources, wanted, args);
  } catch (error) {
    if (!says(error, /Unable to locate|no installation candidate|Unable to fetch|404/)) throw error;
    await aptGet(sources, wanted, ['update']);
    await aptGet(sources, wanted, args);
  }
}

/** Never interrupted: a half-configured package would be left behind. Others' locks are waited for. */
async function aptGet(sources: Sources, wanted: Package, args: readonly string[]): Promise<void> {
  const uninterrupted = { ...sources, signal: new AbortController().signal };
  for (let tries = 1; ; tries += 1) {
    try {
      await runTool(uninterrupted, {
        target: wanted.target,
        command: 'apt-get',
        args: ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args],
        install: `install ${wanted.name} with the package manager of your system`,
        environment: { DEBIAN_FRONTEND: 'noninteractive' },
      });
      return;
    } catch (error) {
      if (tries === 60 || !says(error, /Could not get lock/)) throw error;
      await pause(1_000);
    }
  }
}

function says(error: unknown, pattern: RegExp): boolean {
  return isNativeError(error) && pattern.test(error.message);
}
