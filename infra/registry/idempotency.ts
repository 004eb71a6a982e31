/** Requests that carry a key: the same one again is told from another one by its fingerprint. */
import { createHash } from 'node:crypto';
import { RotorError } from '../../domain/errors.js';

export function fingerprintOf({
  idempotencyKey: _key,
  ...request
}: {
  readonly idempotencyKey: string;
}): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex');
}

export function keyReused(): RotorError {
  const message = 'this idempotency key was used for another request';
  return new RotorError('idempotency-key-reused', message, {
    kind: 'conflict',
    hint: 'use a new key for a new request',
  });
}
