/** A discovery: who uses a secret, and where it lies, that nobody declared. Its answer holds no value. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { DiscoveryOrder, DiscoveryTold } from '../domain/discover/told.js';

const acts = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '5 seconds', maximumAttempts: 3 },
});

export async function discoverSecret(order: DiscoveryOrder): Promise<DiscoveryTold> {
  return acts.discover(order);
}
