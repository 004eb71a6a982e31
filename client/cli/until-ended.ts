/** Waits for the end of work that a worker does, and not for ever where none is alive. */
import { setTimeout as pause } from 'node:timers/promises';
import { RotorError } from '../../domain/errors.js';
import type { ApiClient } from '../http.js';

/** A worker beats every five seconds. */
export interface Pace {
  readonly everyMs: number;
  /** So many looks in a row without a beat. */
  readonly looks: number;
}

const usualPace: Pace = { everyMs: 3_000, looks: 5 };

/** A run may take days, and workers start again meanwhile. */
export const afterRestarts: Pace = { everyMs: 10_000, looks: 12 };

interface Heartbeat {
  readonly life: string;
  readonly beat: string;
}

/** Asked as often as one likes; throws `no-worker` where no worker of the installation has beaten for a while. */
export function openWorkerWatch(
  api: Pick<ApiClient, 'get'>,
  { everyMs, looks }: Pace = usualPace,
): () => Promise<void> {
  let askedAt = performance.now();
  let last = '';
  let same = 0;
  return async () => {
    if (performance.now() - askedAt < everyMs) return;
    askedAt = performance.now();
    const { life, beat } = await api.get<Heartbeat>('/v1/heartbeat');
    const now = `${life}/${beat}`;
    same = now === last ? same + 1 : 0;
    last = now;
    if (same >= looks) throw noWorker();
  };
}

function noWorker(): RotorError {
  return new RotorError('no-worker', 'no worker is alive, so nothing goes on', {
    kind: 'unavailable',
    hint: 'start one: npm start, or node dist/workers/worker.js; what was asked for begins then, and the same command follows it',
  });
}

const askEveryMs = 250;

export interface Work<S> {
  /** What was answered when it was asked for. */
  readonly begun: S;
  readonly path: string;
}

export async function untilEnded<S extends { readonly running: boolean }>(
  api: Pick<ApiClient, 'get'>,
  { begun, path }: Work<S>,
  pace: Pace | undefined,
): Promise<S> {
  const demandWorker = openWorkerWatch(api, pace);
  let state = begun;
  while (state.running) {
    await pause(Math.min(askEveryMs, pace?.everyMs ?? askEveryMs));
    state = await api.get<S>(path);
    if (state.running) await demandWorker();
  }
  return state;
}
