/** Errors at the boundary to Temporal: a code and a fixed message; what a provider or driver said stays behind. */
import { ApplicationFailure, heartbeat } from '@temporalio/activity';
import { AdapterError, isPassing, RotorError, StoreFault } from '../domain/errors.js';
import type { Answer } from '../domain/run.js';

type Work<A extends unknown[], R> = (...args: A) => Promise<R>;

const beatEveryMs = 500;

/** Wraps an activity: it shows that it is alive, and nothing but coded failures leaves it. */
export function bounded<A extends unknown[], R>(work: Work<A, R>): Work<A, R> {
  return async (...args) => {
    const beat = setInterval(() => heartbeat(), beatEveryMs);
    try {
      return await work(...args);
    } catch (error) {
      throw toFailure(error);
    } finally {
      clearInterval(beat);
    }
  };
}

function toFailure(error: unknown): ApplicationFailure | Error {
  if (error instanceof ApplicationFailure || isCancelled(error)) return error;
  if (error instanceof AdapterError) return adapterFailure(error);
  if (error instanceof RotorError) {
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: error.kind !== 'unavailable',
    });
  }
  return ApplicationFailure.create({ type: 'unexpected', message: `unexpected: ${codeOf(error)}` });
}

function isCancelled(error: unknown): error is Error {
  return error instanceof Error && error.name === 'CancelledFailure';
}

function adapterFailure(error: AdapterError): ApplicationFailure {
  const { code, message, retryAfterMs } = error;
  return ApplicationFailure.create({
    type: code,
    message,
    ...(retryAfterMs === undefined ? {} : { nextRetryDelay: retryAfterMs }),
  });
}

/** A driver's code (`40P01`, `ECONNREFUSED`) or the error's class; never its text. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}

/** Failures that pass are retried by Temporal; one that needs a person is an answer. */
export function blockedBy(error: unknown, code: string, who: string): Answer {
  if (!(error instanceof AdapterError) || isPassing(error.code)) throw error;
  if (error instanceof StoreFault)
    return { kind: 'blocked', code: 'store-failed', told: `${error.message} (${error.code})` };
  return { kind: 'blocked', code, told: `${who}: ${error.message} (${error.code})` };
}

/** The run was taken over, or has ended by itself: no decision of its is taken any more. */
export function hasEnded(error: unknown): boolean {
  return error instanceof RotorError && (error.code === 'run-superseded' || isOver(error));
}

/** The run has ended by itself: where a step ends it, an attempt whose answer was lost has done so. */
export function isOver(error: unknown): boolean {
  return error instanceof RotorError && error.code === 'run-over';
}
