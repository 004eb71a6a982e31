/** Tells whether a worker of some host asks Temporal for work: the only sign of life that counts. */
import type { Connection } from '@temporalio/client';

/** A poll is renewed after a minute at the latest. */
const recentMilliseconds = 90_000;

/** Temporal's number for the part of a queue that holds workflow tasks. */
const workflowTasks = 1;

export interface Poller {
  readonly namespace: string;
  readonly taskQueue: string;
  /** A part of the worker's identity; PROCESS@HOST unless told otherwise. */
  readonly host: string;
}

export async function isPolling(connection: Connection, poller: Poller): Promise<boolean> {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace: poller.namespace,
    taskQueue: { name: poller.taskQueue },
    taskQueueType: workflowTasks,
  });
  const since = Date.now() - recentMilliseconds;
  return (pollers ?? []).some(
    ({ identity, lastAccessTime }) =>
      identity?.includes(poller.host) === true &&
      Number(lastAccessTime?.seconds ?? 0) * 1000 >= since,
  );
}
