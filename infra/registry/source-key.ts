/** One spelling per source of use, for keys and for `about` of findings. */
import { createHash } from 'node:crypto';
import type { UseSource } from '../../domain/issuer.js';

export function sourceKey({ address, userAgent, name }: UseSource): string {
  const text = JSON.stringify([address ?? null, userAgent ?? null, name ?? null]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
