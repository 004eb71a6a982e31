/** A small loop in every worker: starts runs whose caller died, and tells runs again what they have not read. */
import type pg from 'pg';
import { restartRun, startRun, tellRun, type Temporal } from '../client/workflows.js';
import { claimRunning, claimUnstarted, unreadRuns } from '../infra/registry/requests.js';

export interface Keeper {
  stop(): Promise<void>;
}

export interface KeeperParts {
  readonly pool: pg.Pool;
  readonly temporal: Temporal;
  readonly identity: string;
  readonly everyMs: number;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
}

export function startKeeper(parts: KeeperParts): Keeper {
  let stopped = false;
  let wake: () => void = () => undefined;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      await lookOnce(parts);
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, parts.everyMs);
      });
    }
  };
  const done = loop();
  return {
    stop: () => {
      stopped = true;
      wake();
      return done;
    },
  };
}

/** A database or a Temporal that is away for a minute is no reason to end: the next look comes. */
async function lookOnce({ pool, temporal, identity, warn }: KeeperParts): Promise<void> {
  try {
    for (const run of await claimUnstarted(pool, identity)) await startRun(temporal, run);
    for (const run of await claimRunning(pool, identity)) await restartRun(temporal, run);
    for (const { secretId } of await unreadRuns(pool)) {
      await tellRun(temporal, secretId, { what: 'unread', by: 'keeper' });
    }
  } catch (error) {
    warn('the keeper could not look', { error: error instanceof Error ? error.name : 'unknown' });
  }
}
