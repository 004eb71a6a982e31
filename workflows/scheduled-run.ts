/** Started by a Temporal Schedule: claims the slot that is due, and ends; the rotation is a workflow of its own. */
import { proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { ScheduledRunInput } from '../domain/schedule.js';

const { claimSlot } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '3 seconds',
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
  },
});

export async function scheduledRun(input: ScheduledRunInput): Promise<string> {
  for (;;) {
    const { told, until } = await claimSlot(input);
    setCurrentDetails(told);
    if (until === undefined) return told;
    await sleep(Math.max(1, new Date(until).getTime() - Date.now()));
  }
}
