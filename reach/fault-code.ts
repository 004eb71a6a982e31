/** The code of what the system refused; never its text. */

/** Looks at the code alone: an error may come from another realm, where `instanceof Error` says no. */
export function faultCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' && code !== '' ? code : 'unknown';
}
