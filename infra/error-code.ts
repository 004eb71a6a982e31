/** Telling errors of the system apart. */

/** Looks at the code alone: an error may come from another realm, where `instanceof Error` says no. */
export function hasCode(error: unknown, code: string | number): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

/** For a log: never a text, which may hold a value. */
export function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
  return error instanceof Error ? error.name : 'unknown';
}
