/** JSON in one form only (RFC 8785), to be compared, hashed and signed. */
import canonicalizeModule from 'canonicalize';

// The package's types name a default export of a CommonJS module, which node's loader unwraps.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

/** As JSON holds it: dates become text, absent members are left out. */
export function canonicalText(value: unknown): string {
  return canonicalize(JSON.parse(JSON.stringify(value))) ?? '';
}
