/** Errors that people and scripts meet: a stable code, a message without values, and what to do about it. */
export type ErrorKind = 'invalid' | 'denied' | 'missing' | 'conflict' | 'unavailable' | 'failed';

export interface Problem {
  /** Where: a path in a document, an option, a file with its line. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

export class RotorError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly problems: readonly Problem[];

  constructor(
    code: string,
    message: string,
    about: { kind: ErrorKind; hint?: string; problems?: readonly Problem[]; cause?: unknown },
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.name = 'RotorError';
    this.code = code;
    this.kind = about.kind;
    this.hint = about.hint;
    this.problems = about.problems ?? [];
  }
}

/**
 * What an issuer, store or connector throws. Its message is one of ours: a provider's own text may
 * hold a value, so it is never carried over.
 */
export class AdapterError extends Error {
  readonly code: AdapterErrorCode;
  /** Set by a provider that says when to come back (HTTP 429, Retry-After). */
  readonly retryAfterMs: number | undefined;

  constructor(code: AdapterErrorCode, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'AdapterError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Of the store of values: no issuer and no destination is to blame. */
export class StoreFault extends AdapterError {
  constructor({ code, message, retryAfterMs }: AdapterError) {
    super(code, `the store of values: ${message}`, retryAfterMs);
    this.name = 'StoreFault';
  }
}

export const adapterErrorCodes = [
  'unreachable',
  'timed-out',
  'busy',
  'refused',
  'not-permitted',
  'not-found',
  'not-ours',
  'invalid-destination',
  'unreadable',
  'read-only',
  'no-space',
  'changed-meanwhile',
  'wrong-version',
  'bad-reply',
  'value-lost',
] as const;
export type AdapterErrorCode = (typeof adapterErrorCodes)[number];

/** Trying again can help; the others need a person. */
const passing: ReadonlySet<AdapterErrorCode> = new Set([
  'unreachable',
  'timed-out',
  'busy',
  'no-space',
  'changed-meanwhile',
  'bad-reply',
]);

export function isPassing(code: AdapterErrorCode): boolean {
  return passing.has(code);
}

/** `verify` throws this when the issuer says no to the value; every other failure is an AdapterError. */
export class CredentialRefused extends Error {
  constructor() {
    super('the issuer refused the credential');
    this.name = 'CredentialRefused';
  }
}
