/** A database that is away, in the words of those who have to bring it back. */
import { RotorError } from '../domain/errors.js';

/** What PostgreSQL itself said stays as it is, unless it is just going down, coming up or full. */
export function databaseAway(error: unknown): unknown {
  if (!(error instanceof Error) || isAnswer(error)) return error;
  const hint = 'is PostgreSQL up, and DATABASE_URL right?';
  return new RotorError('database-unreachable', 'the database does not answer', {
    kind: 'unavailable',
    hint,
  });
}

function isAnswer(error: Error): boolean {
  if (!('severity' in error) || !('code' in error)) return false;
  return !/^(57P|53)/.test(String(error.code));
}
