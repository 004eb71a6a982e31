/** The workflows by the names that Temporal's UI shows; the four kinds of runs share one interpreter. */
import type { RunInput } from '../domain/run.js';
import { carryOut } from './carry-out.js';

export { campaign } from './campaign.js';
export { cleanLeftovers } from './clean-leftovers.js';
export { collectUse } from './collect-use.js';
export { discoverSecret } from './discover.js';
export { monitorVersion } from './monitor-version.js';
export { recoverInstallation } from './recover.js';
export { scheduledSweep, sweepInstallation } from './sweep.js';
export { scheduledRun } from './scheduled-run.js';

/**
 * Does nothing: a worker's first workflow waits for its sandbox to be made, and the first one on the urgent
 * queue must not be somebody's leak.
 */
export async function warmUp(): Promise<void> {
  await Promise.resolve();
}

export async function rotateSecret(input: RunInput): Promise<string> {
  return carryOut(input);
}

export async function compromiseSecret(input: RunInput): Promise<string> {
  return carryOut(input);
}

export async function revokeVersion(input: RunInput): Promise<string> {
  return carryOut(input);
}

export async function decommissionSecret(input: RunInput): Promise<string> {
  return carryOut(input);
}
