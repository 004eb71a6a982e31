/** Running targets of one process: each is started once, at its first demand, whoever asks and however often. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { targetNamed, type AddressOf, type TargetName } from './index.js';
import { machineSources } from './obtain/sources.js';
import type { Running } from './target.js';

export interface Started<Name extends TargetName = TargetName> {
  readonly running: Running<AddressOf<Name>>;
  readonly obtainMilliseconds: number;
  readonly startMilliseconds: number;
}

export interface Pool {
  /** Starts it, or joins who did; one that failed stays failed until it is stopped. */
  ask(name: TargetName): Promise<Started>;
  has(name: TargetName): boolean;
  names(): TargetName[];
  /** Breaks off one that is starting; nothing happens where it never was. */
  stop(name: TargetName): Promise<void>;
  stopAll(): Promise<void>;
}

interface Entry {
  readonly started: Promise<Started>;
  readonly stopping: AbortController;
}

/** Each target has a folder of its own in that one. */
export function openPool(folder: string): Pool {
  const entries = new Map<TargetName, Entry>();
  const stop = async (name: TargetName): Promise<void> => {
    const entry = entries.get(name);
    entry?.stopping.abort(new Error(`target ${name} was stopped`));
    const started = await entry?.started.catch(() => undefined);
    await started?.running.stop();
    if (entries.get(name) === entry) entries.delete(name);
  };
  return {
    stop,
    has: (name) => entries.has(name),
    names: () => [...entries.keys()],
    ask(name) {
      const known = entries.get(name);
      if (known) return known.started;
      const stopping = new AbortController();
      const started = startTarget(name, join(folder, name), stopping.signal);
      started.catch(() => undefined);
      entries.set(name, { started, stopping });
      return started;
    },
    stopAll: async () => {
      await Promise.all([...entries.keys()].map(stop));
    },
  };
}

export async function startTarget<Name extends TargetName>(
  name: Name,
  folder: string,
  signal: AbortSignal,
): Promise<Started<Name>> {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const target = targetNamed(name);
  const began = Date.now();
  const obtained = await target.obtain(machineSources(folder, signal));
  const had = Date.now();
  const running = await target.start({ folder, obtained, signal });
  return {
    running,
    obtainMilliseconds: had - began,
    startMilliseconds: Date.now() - had,
  };
}
