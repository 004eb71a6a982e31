/** A small loop in every worker: starts runs whose caller died and collectors that ended, and tells runs again what they have not read. */
import type pg from 'pg';
import { codeOf } from '../activities/failures.js';
import { ensureSweepSchedule, sweepState } from '../client/sweep.js';
import {
  restartRun,
  startCampaign,
  startCollector,
  startUnattended,
  tellRun,
  type Temporal,
} from '../client/workflows.js';
import { inParallel } from '../domain/in-parallel.js';
import { judgeSweep } from '../domain/sweep/overdue.js';
import { campaignsUnderWay } from '../infra/registry/campaigns.js';
import { claimRunning, claimUnstarted, unreadRuns } from '../infra/registry/requests.js';
import type { AuditTrail } from '../infra/registry/audit.js';
import { noteOverdueTasks } from '../infra/registry/overdue-tasks.js';
import { noteSweep, sweptSince } from '../infra/registry/sweep-overdue.js';
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

type Duties = Readonly<Record<string, () => Promise<void>>>;

const minute = 60_000;
/** Starting one may wait for the last lines of another: the others do not wait for that. */
const atOnce = 8;

export function startKeeper(parts: KeeperParts): Loop {
  const duties = { ...dutiesOf(parts), ...rarely(parts, rareDutiesOf(parts)) };
  return startLoop(parts.everyMs, () => lookOnce(parts, duties));
}

/** A database or a Temporal that is away for a minute is no reason to end: the next look comes. Each duty is done by itself. */
async function lookOnce({ warn }: KeeperParts, duties: Duties): Promise<void> {
  const failed: Record<string, string> = {};
  for (const [name, duty] of Object.entries(duties)) {
    await duty().catch((error: unknown) => {
      failed[name] = codeOf(error);
    });
  }
  if (Object.keys(failed).length > 0) warn('the keeper could not look after everything', failed);
}

function dutiesOf({ pool, audit, temporal, identity, reconcile }: KeeperParts): Duties {
  return {
    reconcile: async () => reconcile?.(),
    unstarted: async () =>
      each(await claimUnstarted(pool, identity), (run) => startUnattended(temporal, run)),
    running: async () =>
      each(await claimRunning(pool, identity), (run) => restartRun(temporal, run)),
    unread: async () => tellAll(temporal, await unreadRuns(pool)),
    unheard: async () => tellAll(temporal, await unheardRuns(pool)),
    campaigns: async () =>
      each(await campaignsUnderWay(pool), ({ id, about }) => startCampaign(temporal, id, about)),
    tasks: () => noteOverdueTasks({ pool, audit }),
  };
}

function tellAll(temporal: Temporal, runs: readonly { secretId: string }[]): Promise<void> {
  return each(runs, ({ secretId }) =>
    tellRun(temporal, secretId, { what: 'unread', by: 'keeper' }),
  );
}

/** All of them, also where one fails; that one is thrown afterwards. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = [];
  await inParallel(items, atOnce, async (item) => {
    await work(item).catch((error: unknown) => failures.push(error));
  });
  if (failures.length > 0) throw failures[0];
}

/** Started with the engine; one that failed since is started again. */
function rareDutiesOf({ pool, temporal, issuers }: KeeperParts): Duties {
  return {
    collectors: () => each(issuers, (issuer) => startCollector(temporal, issuer)),
    schedule: () => ensureSweepSchedule(temporal),
    sweep: async () =>
      noteSweep(pool, judgeSweep(await sweepState(temporal), await sweptSince(pool))),
  };
}

/** Each in its own time: one that failed is tried with the next look. */
function rarely({ collectorsEveryMs = minute }: KeeperParts, duties: Duties): Duties {
  const timed = Object.entries(duties).map(([name, duty]) => {
    let doneAt = Date.now();
    const due = async (): Promise<void> => {
      if (Date.now() - doneAt < collectorsEveryMs) return;
      await duty();
      doneAt = Date.now();
    };
    return [name, due] as const;
  });
  return Object.fromEntries(timed);
}
