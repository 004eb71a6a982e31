/** Ends the run and leaves the watching of dead versions to workflows of their own, which hold no lock. */
import { monitorWorkflowId, type Answer } from '../../domain/run.js';
import { monitorVersion } from '../monitor-version.js';
import { acts, type Run } from '../run.js';
import { startOnce } from '../start-once.js';

/** The watchers are started first: whoever takes the secret over next loses nothing. */
export async function monitorStep(run: Run, ends: readonly string[]): Promise<Answer> {
  const { runId, taskQueue, secretName } = run.input;
  const summary = 'watch what was revoked for late use';
  for (const versionId of ends) {
    const workflowId = monitorWorkflowId(versionId);
    const about = `watch a revoked version of ${secretName}`;
    await startOnce(monitorVersion, { workflowId, taskQueue, args: [versionId], summary: about });
  }
  return acts.monitor.executeWithOptions({ summary }, [{ runId }]);
}
