/** A discovery in Temporal: one at a time per secret. */
import { WorkflowNotFoundError } from '@temporalio/client';
import {
  discoveryWorkflowId,
  type DiscoveryOrder,
  type DiscoveryTold,
} from '../domain/discover/told.js';
import type { Temporal } from './workflows.js';

export interface DiscoveryRun {
  readonly workflowId: string;
  readonly running: boolean;
  /** Undefined while it runs, and where it failed. */
  readonly told: DiscoveryTold | undefined;
}

/** Starts one, or joins the one that runs. */
export async function startDiscovery(
  temporal: Temporal,
  secretId: string,
  order: DiscoveryOrder,
): Promise<DiscoveryRun> {
  const { client, taskQueue } = temporal;
  await client.workflow.start('discoverSecret', {
    workflowId: discoveryWorkflowId(secretId),
    taskQueue,
    args: [order],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `who has ${order.organization}/${order.secret}`,
  });
  return discoveryRun(temporal, secretId);
}

/** The one that runs, or else the last one. */
export async function discoveryRun({ client }: Temporal, secretId: string): Promise<DiscoveryRun> {
  const workflowId = discoveryWorkflowId(secretId);
  const handle = client.workflow.getHandle(workflowId);
  try {
    const { status } = await handle.describe();
    const told =
      status.name === 'COMPLETED' ? ((await handle.result()) as DiscoveryTold) : undefined;
    return { workflowId, running: status.name === 'RUNNING', told };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return { workflowId, running: false, told: undefined };
  }
}
