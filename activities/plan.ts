/** Reads the facts, computes the plan and stores it; a version that is only disabled works again first. */
import type { StoredPlan } from '../domain/run.js';
import { decidePlan, versionsToBringBack } from '../domain/steps/plan.js';
import { bringBack } from './disable.js';
import type { OfRun, Ports } from './ports.js';

export async function plan(ports: Ports, { runId }: OfRun): Promise<StoredPlan> {
  const facts = await ports.registry.read(runId);
  for (const versionId of versionsToBringBack(facts)) await bringBack(ports, facts, versionId);
  const stored = await ports.registry.decide(runId, decidePlan);
  ports.reached('plan:stored');
  return stored;
}
