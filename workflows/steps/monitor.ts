/** Ends the run and leaves the watching of dead versions to workflows of their own, which hold no lock. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { monitorWorkflowId, type Answer } from '../../domain/run.js';
import { monitorVersion } from '../monitor-version.js';
import { acts, type Run } from '../run.js';

/** The watchers are started first: whoever takes the secret over next loses nothing. */
export async function monitorStep(run: Run, ends: readonly string[]): Promise<Answer> {
  const { runId, taskQueue } = run.input;
  const summary = 'watch what was revoked for late use';
  for (const versionId of ends) await startMonitoring(versionId, taskQueue);
  return acts.monitor.executeWithOptions({ summary }, [{ runId }]);
}

async function startMonitoring(versionId: string, taskQueue: string): Promise<void> {
  try {
    await startChild(monitorVersion, {
      workflowId: monitorWorkflowId(versionId),
      args: [versionId],
      taskQueue,
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
