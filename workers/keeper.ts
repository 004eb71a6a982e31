/** A small loop in every worker: starts runs whose caller died and collectors that ended, and tells runs again what they have not read. */
import type pg from 'pg';
import { ensureSweepSchedule } from '../client/sweep.js';
import {
  restartRun,
  startCampaign,
  startCollector,
  startUnattended,
  tellRun,
  type Temporal,
} from '../client/workflows.js';
import { campaignsUnderWay } from '../infra/registry/campaigns.js';
import { claimRunning, claimUnstarted, unreadRuns } from '../infra/registry/requests.js';
import type { AuditTrail } from '../infra/registry/audit.js';
import { noteOverdueTasks } from '../infra/registry/overdue-tasks.js';
import { unheardRuns } from '../infra/registry/task-words.js';
import { startLoop, type Loop } from './loop.js';

export interface KeeperParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly temporal: Temporal;
  readonly identity: string;
  readonly everyMs: number;
  /** Instances whose record of use is collected. */
  readonly issuers: readonly string[];
  readonly collectorsEveryMs?: number;
  /** Takes up what was contained while rotor was down. */
  readonly reconcile?: () => Promise<void>;
  readonly warn: (message: string, about: Readonly<Record<string, unknown>>) => void;
}

const minute = 60_000;

export function startKeeper(parts: KeeperParts): Loop {
  const keepCollectors = collectorsOf(parts);
  return startLoop(parts.everyMs, () => lookOnce(parts, keepCollectors));
}

/** A database or a Temporal that is away for a minute is no reason to end: the next look comes. */
async function lookOnce(
  { pool, audit, temporal, identity, warn, reconcile }: KeeperParts,
  keepCollectors: () => Promise<void>,
): Promise<void> {
  try {
    await reconcile?.();
    for (const run of await claimUnstarted(pool, identity)) await startUnattended(temporal, run);
    for (const run of await claimRunning(pool, identity)) await restartRun(temporal, run);
    const unread = [...(await unreadRuns(pool)), ...(await unheardRuns(pool))];
    for (const { secretId } of unread) {
      await tellRun(temporal, secretId, { what: 'unread', by: 'keeper' });
    }
    for (const { id, about } of await campaignsUnderWay(pool))
      await startCampaign(temporal, id, about);
    await noteOverdueTasks({ pool, audit });
    await keepCollectors();
  } catch (error) {
    warn('the keeper could not look', { error: error instanceof Error ? error.name : 'unknown' });
  }
}

/** Started with the engine; one that failed since is started again. */
function collectorsOf({
  temporal,
  issuers,
  collectorsEveryMs = minute,
}: KeeperParts): () => Promise<void> {
  let lookedAt = Date.now();
  return async () => {
    if (Date.now() - lookedAt < collectorsEveryMs) return;
    for (const issuer of issuers) await startCollector(temporal, issuer);
    await ensureSweepSchedule(temporal);
    lookedAt = Date.now();
  };
}
