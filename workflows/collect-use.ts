/** Keeps one collector per issuer instance at work, for ever, with a short history. */
import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

const roundMs = 300_000;
const rounds = 100;

const { collectUse: collect } = proxyActivities<Activities>({
  startToCloseTimeout: roundMs + 60_000,
  heartbeatTimeout: '3 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 1 },
});

export async function collectUse(issuer: string): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await collect({ issuer, forMs: roundMs });
  await continueAsNew<typeof collectUse>(issuer);
}
