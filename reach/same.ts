/** Whether two values are the same, in a time that tells nothing of either. */
import { createHash, timingSafeEqual } from 'node:crypto';

export function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
