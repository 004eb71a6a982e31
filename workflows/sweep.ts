/** The sweep: every issuer and every destination asked, then the rules over what the registry knows. */
import {
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  startChild,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.js';
import { isGivenUp } from '../domain/sweep/held.js';
import {
  sweepWorkflowId,
  type Swept,
  type SweepTold,
  type Trouble,
} from '../domain/sweep/progress.js';

const acts = proxyActivities<Activities>({
  // What hangs is found by its heartbeat; what is only slow may take its time.
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds', maximumAttempts: 5 },
});

const lookForMs = 120_000;

interface Count {
  secrets: number;
  opened: number;
  closed: number;
}

export async function sweepInstallation(): Promise<SweepTold> {
  const count: Count = { secrets: 0, opened: 0, closed: 0 };
  const { recovering, issuers } = await acts.beginSweep();
  if (recovering) return { outcome: 'recovering', ...count, notAsked: [] };
  setCurrentDetails(`asking ${issuers.join(', ')}`);
  const asked = await Promise.all(
    issuers.map(async (issuer) => ({ issuer, answered: await sweepIssuer(issuer, count) })),
  );
  setCurrentDetails('looking at destinations');
  const places = await sweepDestinations(count);
  setCurrentDetails('reading the registry');
  count.secrets = 0;
  await inBatches((after) => acts.sweepRegistry({ after }), count);
  const notAsked = asked.filter(({ answered }) => !answered).map(({ issuer }) => issuer);
  return { outcome: 'swept', ...count, notAsked, ...places };
}

async function inBatches(
  next: (after: string | undefined) => Promise<Swept>,
  count: Count,
): Promise<void> {
  let after: string | undefined;
  do {
    const swept = await next(after);
    count.secrets += swept.secrets;
    count.opened += swept.opened;
    count.closed += swept.closed;
    after = swept.next;
  } while (after !== undefined);
}

/** What destinations are like is no reason not to read the registry. */
async function sweepDestinations(
  count: Count,
): Promise<Pick<SweepTold, 'notReached' | 'brokeOff'>> {
  let trouble: Trouble = {};
  let brokeOff = false;
  try {
    await inBatches(async (after) => {
      const swept = await acts.sweepDestinations({ after, forMs: lookForMs, trouble });
      trouble = swept.trouble;
      return swept;
    }, count);
  } catch {
    brokeOff = true;
  }
  const failing = Object.entries(trouble).filter(([, failures]) => isGivenUp(failures));
  return { notReached: failing.map(([connector]) => connector), brokeOff };
}

/** An issuer's failure is its own: the others are asked all the same. False where it did not answer for all. */
async function sweepIssuer(issuer: string, count: Count): Promise<boolean> {
  let state = { failed: 0, implausible: false };
  try {
    await inBatches(async (after) => {
      const swept = await acts.sweepIssuer({ issuer, after, ...state });
      state = { failed: swept.failed, implausible: swept.implausible };
      return swept;
    }, count);
  } catch {
    return false;
  }
  return state.failed === 0 && !state.implausible;
}

/** Ids of scheduled workflows carry a time: the sweep itself is started under its fixed one, once. */
export async function scheduledSweep(taskQueue: string): Promise<void> {
  try {
    await startChild(sweepInstallation, {
      workflowId: sweepWorkflowId(taskQueue),
      taskQueue,
      staticSummary: 'the daily sweep',
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
