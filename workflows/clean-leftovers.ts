/** Tries again to clean what a run could not: retries of one activity, which write no history. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

const acts = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '3 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 hour' },
});

export async function cleanLeftovers(secretId: string): Promise<void> {
  await acts.cleanLeftovers({ secretId });
}
