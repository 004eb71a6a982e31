/** A recovery in Temporal: one at a time, under a fixed id. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { RotorError } from '../domain/errors.js';
import { recoveryWorkflowId, type RecoveryOrder, type RecoveryTold } from '../domain/recovery.js';
import type { Temporal } from './workflows.js';

export interface RecoveryRun {
  readonly workflowId: string;
  readonly running: boolean;
  /** Undefined while it runs, and where it failed. */
  readonly told: RecoveryTold | undefined;
}

export async function startRecovery(
  temporal: Temporal,
  order: RecoveryOrder,
): Promise<RecoveryRun> {
  const { client, taskQueue } = temporal;
  try {
    await client.workflow.start('recoverInstallation', {
      workflowId: recoveryWorkflowId(taskQueue),
      taskQueue,
      args: [order],
      staticSummary: order.dryRun ? 'what a recovery would do' : `a recovery, for ${order.by}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new RotorError('recovery-running', 'a recovery is under way already', {
      kind: 'conflict',
      hint: 'wait for its end',
    });
  }
  return recoveryRun(temporal);
}

/** The one that runs, or else the last one. */
export async function recoveryRun({ client, taskQueue }: Temporal): Promise<RecoveryRun> {
  const workflowId = recoveryWorkflowId(taskQueue);
  const handle = client.workflow.getHandle(workflowId);
  try {
    const { status } = await handle.describe();
    const told =
      status.name === 'COMPLETED' ? ((await handle.result()) as RecoveryTold) : undefined;
    return { workflowId, running: status.name === 'RUNNING', told };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return { workflowId, running: false, told: undefined };
  }
}
