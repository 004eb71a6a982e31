/** What gets approved is a hash: of what a plan will do, not of what was observed or when. */
import { createHash } from 'node:crypto';
import type { PlanContent } from '../../domain/facts.js';
import { canonicalText } from '../../trail/canonical.js';

/** SHA-256 (hex) over kind, versions to end, successor's specification, steps, waves with evidence, policy revision. */
export function planHash(content: PlanContent): string {
  return createHash('sha256').update(canonicalText(content)).digest('hex');
}
