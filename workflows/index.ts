/** The workflows by the names that Temporal's UI shows; the four kinds of runs share one interpreter. */
import type { RunInput } from '../domain/run.js';
import { carryOut } from './carry-out.js';

export { collectUse } from './collect-use.js';
export { monitorVersion } from './monitor-version.js';

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
