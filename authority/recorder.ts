/** Decides and records attempts in batches: an answer leaves only after its use is committed. */
import type pg from 'pg';
import { openPool } from '../infra/postgres.js';
import { keyOf, type Source } from './source.js';

/** By this name the watermark finds batches that are under way. */
export const recorderName = 'rotor-authority-recorder';

export function openRecorderPool(url: string): pg.Pool {
  return openPool(url, 2, recorderName);
}

export interface Attempt {
  readonly clientId: string;
  readonly hash: Buffer;
  readonly tokenHash: Buffer;
  readonly ttlSeconds: number;
  readonly source: Source;
  /** rotor's own, marked: decided like any other, not recorded as use. */
  readonly probe: boolean;
}

export type Outcome = 'accepted' | 'refused' | 'unknown';

export interface Recorder {
  attempt(attempt: Attempt): Promise<Outcome>;
}

interface Waiting {
  readonly attempt: Attempt;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

const largestBatch = 500;

/** The next batch gathers while one is under way: under load the batches grow, at rest nobody waits. */
export function openRecorder(pool: Pick<pg.Pool, 'query'>): Recorder {
  let waiting: Waiting[] = [];
  let busy = false;
  const work = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, largestBatch);
      waiting = waiting.slice(batch.length);
      await decide(pool, batch);
    }
    busy = false;
  };
  return {
    attempt: (attempt) =>
      new Promise((resolve, reject) => {
        waiting.push({ attempt, resolve, reject });
        // Requests that arrive in the same turn of the event loop share a batch.
        if (!busy) setImmediate(() => void (busy ? undefined : work()));
      }),
  };
}

async function decide(pool: Pick<pg.Pool, 'query'>, batch: readonly Waiting[]): Promise<void> {
  try {
    const rows = batch.map(({ attempt }, index) => rowOf(attempt, index));
    const result = await pool.query<{ index: number; outcome: Outcome }>({
      name: 'attempt',
      text: 'select index, outcome from authority.attempt($1::jsonb)',
      values: [JSON.stringify(rows)],
    });
    for (const { index, outcome } of result.rows) batch[index]?.resolve(outcome);
  } catch (error) {
    for (const one of batch) one.reject(error);
  }
}

function rowOf(attempt: Attempt, index: number): Record<string, unknown> {
  return {
    index,
    client_id: attempt.clientId,
    hash: attempt.hash.toString('hex'),
    token_hash: attempt.tokenHash.toString('hex'),
    ttl_seconds: attempt.ttlSeconds,
    source_key: keyOf(attempt.source),
    source: attempt.source,
    probe: attempt.probe,
  };
}
