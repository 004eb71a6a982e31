/** Waits until a revoked version was watched long enough; its facts are in the database. */
import { continueAsNew, sleep, workflowInfo } from '@temporalio/workflow';
import { acts } from './run.js';

/** Started before the run says until when: nothing is asked before that was surely said. */
const beginMs = 2_000;

export async function monitorVersion(versionId: string): Promise<number> {
  await sleep(beginMs);
  for (;;) {
    const { until, findings } = await acts.endMonitoring({ versionId });
    const left = new Date(until).getTime() - Date.now();
    if (left <= 0) return findings;
    await sleep(left);
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof monitorVersion>(versionId);
  }
}
