/** A run with its secret's row locked: what people say about it is checked against facts that stay so. */
import type pg from 'pg';
import { RotorError } from '../../domain/errors.js';
import type { Facts } from '../../domain/facts.js';
import type { Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { noSuchRun } from './decide.js';
import { readFacts, type TraitsOf } from './facts.js';

export interface SayingParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly traitsOf: TraitsOf;
}

export interface LockedRun {
  readonly secretId: string;
  readonly facts: Facts;
}

/** Throws `no-such-run`. */
export async function lockRun(
  db: Queryable,
  traitsOf: TraitsOf,
  runId: string,
): Promise<LockedRun> {
  const { rows } = await db.query<{ secret_id: string }>(
    `select s.id as secret_id from rotor.secrets s join rotor.runs r on r.secret_id = s.id
     where r.id = $1 for update of s`,
    [runId],
  );
  const secretId = rows[0]?.secret_id;
  const facts =
    secretId === undefined ? undefined : await readFacts(db, traitsOf, { secretId, runId });
  if (secretId !== undefined && facts !== undefined) return { secretId, facts };
  throw noSuchRun(runId);
}

/** What is said does not fit the run as it is now. */
export function refused(code: string, message: string, hint?: string): RotorError {
  const about = hint === undefined ? {} : { hint };
  return new RotorError(code, message, { kind: 'conflict', ...about });
}
