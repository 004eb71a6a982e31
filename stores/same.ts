/** Whether two values are the same, in constant time. */
import { timingSafeEqual } from 'node:crypto';

export function isSame(a: string, b: string): boolean {
  const one = Buffer.from(a);
  const other = Buffer.from(b);
  return one.length === other.length && timingSafeEqual(one, other);
}
