/** How a token that is shown once is kept. */
import { createHash } from 'node:crypto';

/** 256 random bits need no slow hash. */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
