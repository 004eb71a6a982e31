/** Starts a workflow that outlives this one; one of its id that is there already is as good. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild, type Workflow } from '@temporalio/workflow';

export interface Once {
  readonly workflowId: string;
  readonly taskQueue: string;
  readonly args: [string];
  /** What Temporal's UI says it is for. */
  readonly summary: string;
}

export async function startOnce(
  workflow: Workflow & ((id: string) => Promise<unknown>),
  { workflowId, taskQueue, args, summary }: Once,
): Promise<void> {
  try {
    await startChild(workflow, {
      workflowId,
      taskQueue,
      args,
      staticSummary: summary.slice(0, 200),
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
