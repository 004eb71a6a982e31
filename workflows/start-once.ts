/** Starts a workflow that outlives this one; one of its id that is there already is as good. */
import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { aboutSecret, type RunInput } from '../domain/run.js';
import { ParentClosePolicy, startChild, type Workflow } from '@temporalio/workflow';

export interface Once {
  readonly workflowId: string;
  /** Whose secret it is about. */
  readonly input: RunInput;
  readonly args: [string];
  /** What Temporal's UI says it is for. */
  readonly summary: string;
}

export async function startOnce(
  workflow: Workflow & ((id: string) => Promise<unknown>),
  { workflowId, input, args, summary }: Once,
): Promise<void> {
  try {
    await startChild(workflow, {
      workflowId,
      taskQueue: input.taskQueue,
      args,
      typedSearchAttributes: attributesOf(input),
      staticSummary: summary.slice(0, 200),
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function attributesOf({ secretName, organization, owner }: RunInput) {
  const secret = secretName.slice(organization.length + 1);
  return aboutSecret({ organization, secret, owner }).map(([name, value]) => ({
    key: defineSearchAttributeKey(name, 'KEYWORD'),
    value,
  }));
}
