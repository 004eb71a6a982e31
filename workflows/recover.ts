/** A recovery: what the set-back left running ends, every issuer is asked, and only then revoking is possible again. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { RecoveredRow, RecoveryOrder, RecoveryTold } from '../domain/recovery.js';

const acts = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds', maximumAttempts: 5 },
});

/** The result of a workflow has a size; the audit trail has the rest. */
const mostRows = 1_000;

export async function recoverInstallation(order: RecoveryOrder): Promise<RecoveryTold> {
  const begun = await acts.beginRecovery(order);
  const issuers = begun.issuers.filter((issuer) => !order.without.includes(issuer));
  setCurrentDetails(`asking ${issuers.join(', ')}`);
  const answers = await Promise.all(issuers.map((issuer) => recoverIssuer(order, issuer)));
  const rows = [...begun.rows, ...answers.flatMap((answer) => answer.rows)];
  const notAsked = answers.flatMap(({ issuer, failure }) =>
    failure === undefined ? [] : [{ issuer, why: failure }],
  );
  const isWhole = notAsked.length === 0;
  if (isWhole && !order.dryRun) await acts.endRecovery({ order, counts: countsOf(rows) });
  return {
    outcome: order.dryRun ? 'dry-run' : isWhole ? 'recovered' : 'still-recovering',
    secrets: answers.reduce((sum, { secrets }) => sum + secrets, 0),
    rows: rows.slice(0, mostRows),
    further: Math.max(0, rows.length - mostRows),
    notAsked,
  };
}

interface Answered {
  readonly issuer: string;
  readonly secrets: number;
  readonly rows: readonly RecoveredRow[];
  readonly failure: string | undefined;
}

async function recoverIssuer(order: RecoveryOrder, issuer: string): Promise<Answered> {
  const rows: RecoveredRow[] = [];
  let secrets = 0;
  let after: string | undefined;
  try {
    do {
      const answer = await acts.recoverIssuer({ order, issuer, after });
      rows.push(...answer.rows);
      secrets += answer.secrets;
      if (answer.failure !== undefined) return { issuer, secrets, rows, failure: answer.failure };
      after = answer.next;
    } while (after !== undefined);
  } catch {
    return { issuer, secrets, rows, failure: 'asking it failed: see the log of the workers' };
  }
  return { issuer, secrets, rows, failure: undefined };
}

function countsOf(rows: readonly RecoveredRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { what } of rows) counts[what] = (counts[what] ?? 0) + 1;
  return counts;
}
