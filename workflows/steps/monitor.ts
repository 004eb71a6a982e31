/** Ends the run and leaves the watching of dead versions to workflows of their own, which hold no lock. */
import { monitorWorkflowId, type Answer } from '../../domain/run.js';
import { monitorVersion } from '../monitor-version.js';
import { acts, perform, type Run } from '../run.js';
import { startOnce } from '../start-once.js';

/** Ordered together: whoever takes the secret over next finds the watchers ordered, or the run not ended. */
export async function monitorStep(run: Run, ends: readonly string[]): Promise<Answer> {
  const { runId, secretName } = run.input;
  const summary = `watch a revoked version of ${secretName}`;
  const watching = ends.map((versionId) =>
    startOnce(monitorVersion, {
      workflowId: monitorWorkflowId(versionId),
      input: run.input,
      args: [versionId],
      summary,
    }),
  );
  const ending = perform(run, 'monitor', () =>
    acts.monitor.executeWithOptions({ summary: 'watch what was revoked for late use' }, [
      { runId },
    ]),
  );
  const [answer] = await Promise.all([ending, ...watching]);
  return answer;
}
