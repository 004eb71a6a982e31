/** Which known versions a destination holds, compared in constant time. */
import type { HeldVersions, KnownValue } from '../domain/connector.js';
import { SecretValue } from '../domain/secret-value.js';
import { isSame } from '../reach/same.js';

export function readHeld(entries: readonly string[], known: readonly KnownValue[]): HeldVersions {
  const versionIds: string[] = [];
  const unknown: SecretValue[] = [];
  for (const entry of entries.filter((text) => text !== '')) {
    const match = known.find(({ value }) => isSame(value.reveal(), entry));
    if (match === undefined) unknown.push(new SecretValue(entry));
    else versionIds.push(match.versionId);
  }
  return { versionIds, unknown, attests: undefined };
}

/** What a place of one string holds afterwards; undefined: it is left as it is. */
export type Edit = (held: string | undefined, value: string) => string | undefined;

export const delivered: Edit = (_, value) => value;

/** Another value stays. */
export const withdrawn: Edit = (held, value) =>
  held !== undefined && isSame(held, value) ? '' : held;
