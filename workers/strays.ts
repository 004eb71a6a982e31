/** Workflows that a set-back has made strangers to the registry: ended in Temporal, since their runs are over. */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Temporal } from '../client/workflows.js';
import type { RecoveredRow, Strays } from '../domain/recovery.js';
import { urgentTaskQueue } from '../domain/run.js';

/** Runs only: what monitors or cleans a version goes on once its row is there again. */
const kinds = ['rotateSecret', 'compromiseSecret', 'revokeVersion', 'decommissionSecret'];

export function openStrays({ client, taskQueue }: Temporal): Strays {
  const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
  const query = `ExecutionStatus = 'Running' and WorkflowType in (${quoted(kinds)}) and TaskQueue in (${quoted([taskQueue, urgentTaskQueue(taskQueue)])})`;
  return {
    end: async ({ dryRun }, goingOn) => {
      const rows: RecoveredRow[] = [];
      for await (const { workflowId, runId, memo } of client.workflow.list({ query })) {
        if (goingOn.includes(String(memo?.['run']))) continue;
        const told = 'its run is not one of the registry, or was under way in the backup';
        rows.push({ secret: '', what: 'workflow-ended', about: workflowId, told });
        if (dryRun) continue;
        await client.workflow
          .getHandle(workflowId, runId)
          .terminate('the database was set back')
          .catch((error: unknown) => {
            if (!(error instanceof WorkflowNotFoundError)) throw error;
          });
      }
      return rows;
    },
  };
}
