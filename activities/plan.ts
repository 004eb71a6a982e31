/** Reads the facts, computes the plan and stores it; before a run turns back, what it needs for that is looked after. */
import { AdapterError } from '../domain/errors.js';
import type { Decided } from '../domain/change.js';
import type { Facts } from '../domain/facts.js';
import type { StoredPlan } from '../domain/run.js';
import { decidePlan, turnsBackNow, versionsToBringBack } from '../domain/steps/plan.js';
import { issuedSecret } from '../domain/steps/create.js';
import { isUsable } from '../domain/version.js';
import { bringBack } from './disable.js';
import type { OfRun, Ports } from './ports.js';
import { recordIfGone } from './revoke.js';
import { noticeSetBack } from './set-back.js';

export async function plan(ports: Ports, { runId }: OfRun): Promise<StoredPlan> {
  const first = await ports.registry.decide(runId, planUnlessUnsure);
  if ('steps' in first) return reached(ports, first);
  const facts = await ports.registry.read(runId);
  for (const versionId of first.disabled) await bringBack(ports, facts, versionId);
  if (first.turnsBack) await recordWhatIsGone(ports, runId);
  return reached(ports, await ports.registry.decide(runId, decidePlan));
}

function reached(ports: Ports, stored: StoredPlan): StoredPlan {
  ports.reached('plan:stored');
  return stored;
}

interface Unsure {
  /** Versions that have to work again. */
  readonly disabled: readonly string[];
  readonly turnsBack: boolean;
}

function planUnlessUnsure(facts: Facts): Decided<StoredPlan | Unsure> {
  const disabled = versionsToBringBack(facts);
  const turnsBack = turnsBackNow(facts);
  if (disabled.length === 0 && !turnsBack) return decidePlan(facts);
  return { result: { disabled, turnsBack }, changes: [] };
}

/** Nobody is moved back to a version that somebody removed; the gate asks again, so an issuer that is down is no reason to wait. */
async function recordWhatIsGone(ports: Ports, runId: string): Promise<void> {
  const facts = await ports.registry.read(runId);
  const issuer = ports.issuer(facts.secret.issuer);
  if (!issuer.traits.lists) return;
  try {
    const listed = await issuer.list(issuedSecret(facts));
    await noticeSetBack(ports, facts, listed);
    const there = new Set(listed.map(({ credentialId }) => credentialId));
    const gone = facts.versions.filter(
      ({ state, credentialId }) =>
        isUsable(state) && credentialId !== undefined && !there.has(credentialId),
    );
    for (const { versionId } of gone) await recordIfGone(ports, runId, versionId);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
  }
}
