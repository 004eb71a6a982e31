/** Claims the slots of a secret that are due, starts what became of them, and has Temporal hold the next one. */
import type { ScheduledRunInput } from '../domain/schedule.js';
import type { Ports } from './ports.js';

export interface SlotClaim {
  readonly told: string;
  /** ISO 8601: too early, ask again then. */
  readonly until?: string;
}

/** Each of its parts may be repeated: what was claimed is claimed, a run that started is left alone. */
export async function claimSlot(
  { scheduler, reached }: Ports,
  { secretId }: ScheduledRunInput,
): Promise<SlotClaim> {
  const { told, runId, until } = await scheduler.claim(secretId);
  reached('schedule:claimed');
  if (until !== undefined) return { told, until: until.toISOString() };
  if (runId !== undefined) await scheduler.start(runId);
  await scheduler.rewrite(secretId);
  reached('schedule:rewritten');
  return { told };
}
