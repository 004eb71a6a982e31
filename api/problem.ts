/** Errors as RFC 9457 problem details, with stable codes; an unexpected one tells nothing but that it happened. */
import { RotorError, type ErrorKind } from '../domain/errors.js';
import { hasCode } from '../infra/error-code.js';

export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint?: string;
  readonly problems?: readonly unknown[];
}

const statusOf: Readonly<Record<ErrorKind, number>> = {
  invalid: 422,
  denied: 403,
  missing: 404,
  conflict: 409,
  unavailable: 503,
  failed: 500,
};

/** By the status that the server gave it. */
const whyUnreadable: Readonly<Record<number, string>> = {
  400: 'it is no JSON in UTF-8, or has a field (__proto__, constructor) that is never read',
  413: 'it is too large',
  415: 'its body is no application/json',
};

function unreadable(status: number): ProblemDetails {
  const why = whyUnreadable[status];
  const detail = `the request cannot be read${why === undefined ? '' : `: ${why}`}`;
  return details(status, { code: 'bad-request', detail });
}

/** PostgreSQL's word for bytes that are no text, a zero byte among them. */
const notText = '22021';
/** Its words for a deadlock, a lock waited for too long, and a statement that took too long. */
const busyCodes = ['40P01', '55P03', '57014'];

const busy = new RotorError('busy', 'somebody else is at work on the same', {
  kind: 'unavailable',
  hint: 'try again',
});

export function problemOf(error: unknown): ProblemDetails {
  if (error instanceof RotorError) return ofRotor(error);
  if (hasCode(error, notText)) return unreadable(400);
  if (busyCodes.some((code) => hasCode(error, code))) return ofRotor(busy);
  const status = statusCodeOf(error);
  if (status !== undefined && status < 500) return unreadable(status);
  return details(500, { code: 'unexpected', detail: 'something unexpected happened; see the log' });
}

function ofRotor(error: RotorError): ProblemDetails {
  const status = error.code === 'unauthenticated' ? 401 : statusOf[error.kind];
  const more = {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.problems.length === 0 ? {} : { problems: error.problems }),
  };
  return { ...details(status, { code: error.code, detail: error.message }), ...more };
}

function details(status: number, about: { code: string; detail: string }): ProblemDetails {
  return { type: `urn:rotor:problem:${about.code}`, title: about.code, status, ...about };
}

function statusCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
