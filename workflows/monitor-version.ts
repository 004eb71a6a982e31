/** Waits until a revoked version was watched long enough; its facts are in the database. */
import { sleep } from '@temporalio/workflow';
import { acts } from './run.js';

export async function monitorVersion(versionId: string): Promise<number> {
  for (;;) {
    const { until, findings } = await acts.endMonitoring({ versionId });
    const left = new Date(until).getTime() - Date.now();
    if (left <= 0) return findings;
    await sleep(left);
  }
}
