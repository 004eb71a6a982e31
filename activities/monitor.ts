/** Hands revoked versions over to their monitoring, and ends the run. */
import type { Answer } from '../domain/run.js';
import { decideMonitor } from '../domain/steps/finish.js';
import { isOver } from './failures.js';
import type { OfRun, Ports } from './ports.js';

export async function monitor(ports: Ports, { runId }: OfRun): Promise<Answer> {
  try {
    return await ports.registry.decide(runId, decideMonitor);
  } catch (error) {
    if (isOver(error)) return { kind: 'done', told: 'the run is over' };
    throw error;
  } finally {
    ports.reached('monitor:ended');
  }
}

/** Whether the time is over (ISO 8601: until when it goes on), and what was found. */
export async function endMonitoring(
  ports: Ports,
  { versionId }: { readonly versionId: string },
): Promise<{ readonly until: string; readonly findings: number }> {
  const { until, findings } = await ports.registry.endMonitoring(versionId);
  return { until: until.toISOString(), findings };
}
