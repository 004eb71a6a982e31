/** The sweep in Temporal: daily by a schedule, on demand under a fixed id, one at a time. */
import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { sweepScheduleId, sweepWorkflowId, type SweepTold } from '../domain/sweep/progress.js';
import type { Temporal } from './workflows.js';

/** Made once; what operations change or pause there stays. Days are UTC. */
export async function ensureSweepSchedule({ client, taskQueue }: Temporal): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: sweepScheduleId(taskQueue),
      spec: { calendars: [{ hour: 3, minute: 17 }], jitter: '10 minutes' },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '12 hours' },
      action: {
        type: 'startWorkflow',
        workflowType: 'scheduledSweep',
        args: [taskQueue],
        taskQueue,
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

export interface SweepState {
  readonly workflowId: string;
  readonly running: boolean;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  /** Undefined while it runs, and where it failed. */
  readonly told: SweepTold | undefined;
}

/** Starts one, or joins the one that runs. */
export async function startSweep(temporal: Temporal): Promise<SweepState> {
  const { client, taskQueue } = temporal;
  await client.workflow.start('sweepInstallation', {
    workflowId: sweepWorkflowId(taskQueue),
    taskQueue,
    args: [],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'a sweep on demand',
  });
  return sweepState(temporal);
}

/** Of the sweep that runs, or else of the last one. */
export async function sweepState({ client, taskQueue }: Temporal): Promise<SweepState> {
  const workflowId = sweepWorkflowId(taskQueue);
  const handle = client.workflow.getHandle(workflowId);
  try {
    const { status, startTime, closeTime } = await handle.describe();
    const told = status.name === 'COMPLETED' ? ((await handle.result()) as SweepTold) : undefined;
    const running = status.name === 'RUNNING';
    return { workflowId, running, startedAt: startTime, endedAt: closeTime, told };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    const never = { startedAt: undefined, endedAt: undefined, told: undefined };
    return { workflowId, running: false, ...never };
  }
}
