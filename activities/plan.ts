/** Reads the facts, computes the plan and stores it; a version that is only disabled works again first. */
import type { Decided } from '../domain/change.js';
import type { Facts } from '../domain/facts.js';
import type { StoredPlan } from '../domain/run.js';
import { decidePlan, versionsToBringBack } from '../domain/steps/plan.js';
import { bringBack } from './disable.js';
import type { OfRun, Ports } from './ports.js';

export async function plan(ports: Ports, { runId }: OfRun): Promise<StoredPlan> {
  const disabled = await ports.registry.decide(runId, planUnlessDisabled);
  if ('steps' in disabled) return reached(ports, disabled);
  const facts = await ports.registry.read(runId);
  for (const versionId of disabled.versionIds) await bringBack(ports, facts, versionId);
  return reached(ports, await ports.registry.decide(runId, decidePlan));
}

function reached(ports: Ports, stored: StoredPlan): StoredPlan {
  ports.reached('plan:stored');
  return stored;
}

interface Disabled {
  readonly versionIds: readonly string[];
}

function planUnlessDisabled(facts: Facts): Decided<StoredPlan | Disabled> {
  const versionIds = versionsToBringBack(facts);
  return versionIds.length > 0 ? { result: { versionIds }, changes: [] } : decidePlan(facts);
}
