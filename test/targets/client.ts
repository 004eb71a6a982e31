/** What a test says to have a target: the one that the whole run shares, or one of its own to break. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStateFolder } from '../../infra/embedded/folders.js';
import { handed } from '../harness/environment.js';
import { askFor } from './asking.js';
import type { AddressOf, TargetName } from './index.js';
import { startTarget } from './pool.js';
import type { Running } from './target.js';

/** For the beforeAll that asks for a target: where it was never had on this machine, it is fetched first. */
export const targetPatience = 600_000;

/** Started at the first demand, stopped with the run. Tests keep apart by names (mounts, users, realms); nobody resets it. */
export async function target<Name extends TargetName>(name: Name): Promise<AddressOf<Name>> {
  const url = handed('ROTOR_TEST_TARGETS');
  for await (const outcome of askFor(url, { names: [name], undo: false })) {
    if ('error' in outcome) throw new Error(outcome.error);
    if ('address' in outcome) return outcome.address as AddressOf<Name>;
  }
  throw new Error(`the test run ended while target ${name} was starting`);
}

export type OwnTarget<Name extends TargetName> = Running<AddressOf<Name>>;

/** A server of the test's own, to be killed and restarted; call stop() after the test. */
export async function ownTarget<Name extends TargetName>(name: Name): Promise<OwnTarget<Name>> {
  const prefix = `rotor-test-${String(process.pid)}-`;
  const folder = openStateFolder(mkdtempSync(join(tmpdir(), prefix)));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const { running } = await startTarget(name, join(folder, name), new AbortController().signal);
    return {
      ...running,
      stop: async () => {
        await running.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
