/** A loop of a worker: looks, waits, looks again, until it is told to stop. */
import { setTimeout as pause } from 'node:timers/promises';

export interface Loop {
  /** Settles once the look that is under way has ended; the wait after it is cut short. */
  stop(): Promise<void>;
}

/** A look that fails ends the loop: what is no reason to end is caught in it. */
export function startLoop(everyMs: number, look: (signal: AbortSignal) => Promise<void>): Loop {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await look(signal);
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const done = run();
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}
