/** What gets approved is a hash: of what a plan will do, not of what was observed or when. */
import { createHash } from 'node:crypto';
import type { Facts } from '../../domain/facts.js';
import type { Plan } from '../../domain/plan.js';
import { canonicalText } from '../canonical.js';

/** SHA-256 (hex) over kind, versions to end, successor's specification, steps, waves with evidence, policy revision. */
export function planHash(facts: Facts, plan: Plan): string {
  const waves = plan.waves.map(({ name, batches }) => ({
    name,
    dependencies: batches.flat().map((dependencyId) => ({
      dependencyId,
      leastEvidence: facts.dependencies.find((d) => d.dependencyId === dependencyId)?.leastEvidence,
    })),
  }));
  const content = {
    kind: facts.run.kind,
    direction: plan.direction,
    secret: facts.secret.secretId,
    ends: plan.ends,
    specification: facts.secret.specification,
    steps: plan.steps,
    waves,
    policyRevision: facts.policyRevision,
  };
  return createHash('sha256').update(canonicalText(content)).digest('hex');
}
