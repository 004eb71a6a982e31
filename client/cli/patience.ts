/** Goes on asking while rotor's API starts again, so that whoever follows a run needs no loop of their own. */
import { setTimeout as pause } from 'node:timers/promises';
import { RotorError } from '../../domain/errors.js';
import type { ApiClient } from '../http.js';
import type { Output } from './output.js';

const usual: Patience = { forMs: 120_000, everyMs: 1_000 };

interface Patience {
  readonly forMs: number;
  readonly everyMs: number;
}

type Ask = <T>(question: () => Promise<T>) => Promise<T>;

/** Only of an API that has answered once: an address may be wrong from the beginning. */
export function openPatience(output: Output, { forMs, everyMs }: Patience = usual): Ask {
  let answered = false;
  return async (question) => {
    for (let silentSince: number | undefined; ;) {
      try {
        const answer = await question();
        if (silentSince !== undefined) output.note('it answers again');
        answered = true;
        return answer;
      } catch (error) {
        if (!answered || !isAway(error)) throw error;
        if (silentSince === undefined)
          output.note(`${error.message}: asked again for ${forMs / 1_000} s`);
        silentSince ??= performance.now();
        if (performance.now() - silentSince >= forMs) throw error;
        await pause(everyMs);
      }
    }
  };
}

/** Only the API is asked again: what it answered may be that something else is away. */
export function patient(ask: Ask, api: Pick<ApiClient, 'get'>): Pick<ApiClient, 'get'> {
  return { get: (path) => ask(() => api.get(path)) };
}

function isAway(error: unknown): error is RotorError {
  return error instanceof RotorError && error.kind === 'unavailable';
}
