/** A secret that lies in a file of rotor's user alone. */
import { readFileSync, statSync } from 'node:fs';
import { AdapterError } from '../domain/errors.js';
import { SecretValue } from '../domain/secret-value.js';

/** Throws `not-permitted` where it is missing, open to others, or shorter than it has to be. */
export function readSecretFile(file: string, shortest = 1): SecretValue {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined || (found.mode & 0o077) !== 0) {
    throw new AdapterError(
      'not-permitted',
      `${file} is missing, or can be read by others (chmod 600)`,
    );
  }
  const text = textOf(file).trim();
  if (Buffer.byteLength(text) >= shortest) return new SecretValue(text);
  throw new AdapterError('not-permitted', `${file} holds a key of less than ${shortest} bytes`);
}

/** It may be somebody else's. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new AdapterError('not-permitted', `${file} cannot be read`);
  }
}
