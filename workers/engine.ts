/** Puts the engine together: ports, activities, two workers (ordinary and urgent), the keeper. */
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type pg from 'pg';
import { createActivities } from '../activities/index.js';
import type { Ports } from '../activities/ports.js';
import {
  startCollector,
  startRun,
  startUnattended,
  tellRun,
  warmUp,
  type Temporal,
} from '../client/workflows.js';
import { RotorError } from '../domain/errors.js';
import { calendar } from '../infra/calendar.js';
import type { AuditTrail } from '../infra/registry/audit.js';
import { openCampaigns } from '../infra/registry/campaign-advance.js';
import { urgentTaskQueue, type StartableRun } from '../domain/run.js';
import type { SignedPlace } from '../infra/direct/inventory-file.js';
import { nativeOptions, type TemporalAccess } from '../infra/temporal-access.js';
import { connectTemporal } from '../infra/temporal-connection.js';
import { faultAfter } from '../infra/temporal-fault.js';
import type { Loop } from './loop.js';
import { reconciler } from './direct/reconcile.js';
import { startKeeper } from './keeper.js';
import { startScheduleKeeper } from './schedule-keeper.js';
import { openScheduler } from './scheduler.js';
import { openStrays } from './strays.js';
import { startUpkeep } from './upkeep.js';

export interface EngineParts {
  readonly access: TemporalAccess;
  readonly namespace: string;
  /** Several installations may share a namespace, each with its own queue. */
  readonly taskQueue: string;
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly identity: string;
  readonly workflowBundle: string;
  /** Instances whose record of use is collected. */
  readonly issuers: readonly string[];
  readonly ports: Omit<Ports, 'tell' | 'campaigns' | 'scheduler' | 'strays'>;
  readonly keeperEveryMs?: number;
  readonly schedulesEveryMs?: number;
  /** Where what was contained without rotor is told. */
  readonly journals?: SignedPlace;
  /** How long activities may go on once the worker is told to stop. */
  readonly graceMs?: number;
  /** The SDK's debug mode: workflows share this thread, so that it starts sooner; nobody ends one that never yields. */
  readonly debugMode?: boolean;
}

export interface Engine {
  /** Settles when both workers have ended; rejects when one fails. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export async function startEngine(parts: EngineParts): Promise<Engine> {
  const { access, namespace } = parts;
  // First the one that can say why it could not connect.
  const connection = await connectTemporal(access);
  const native = await openNative(access);
  const client = new Client({ connection, namespace });
  const temporal: Temporal = { client, taskQueue: parts.taskQueue };
  const workers = await openWorkers(parts, native, temporal);
  const running = workers.map((worker) => worker.run());
  const loops = startLoops(parts, temporal);
  await Promise.all(parts.issuers.map((issuer) => startCollector(temporal, issuer)));
  // Only speed: a worker that could not warm up works all the same.
  await warmUp(temporal, parts.identity).catch(() => undefined);
  const ended = Promise.all(running).then(async () => {
    await Promise.all(loops.map((loop) => loop.stop()));
    await native.close();
    await connection.close();
  });
  return {
    ended,
    stop: async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
}

function startLoops(parts: EngineParts, temporal: Temporal): Loop[] {
  const warn: EngineParts['ports']['warn'] = (message, about) => parts.ports.warn(message, about);
  const keeper = startKeeper({
    ...parts,
    temporal,
    everyMs: parts.keeperEveryMs ?? 5_000,
    warn,
    ...reconcilingBy(parts, temporal),
  });
  const everyMs = parts.schedulesEveryMs ?? 60_000;
  const scheduleKeeper = startScheduleKeeper({ ...parts, temporal, calendar, everyMs, warn });
  const upkeep = startUpkeep({ pool: parts.pool, everyMs: 3_600_000, warn });
  return [keeper, scheduleKeeper, upkeep];
}

function reconcilingBy(
  { journals, ports, ...parts }: EngineParts,
  temporal: Temporal,
): { readonly reconcile?: () => Promise<void> } {
  if (journals === undefined) return {};
  const { warn } = ports;
  const start = (run: StartableRun): Promise<boolean> => startUnattended(temporal, run);
  return { reconcile: reconciler({ ...parts, journals, warn, start }) };
}

/** It reads certificates more strictly than Node, and trusts the system's authorities instead of Node's own list. */
async function openNative(access: TemporalAccess): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(nativeOptions(access));
  } catch (cause) {
    const fault = await faultAfter(cause, access);
    const why = cause instanceof Error ? cause.message : 'unknown';
    throw (
      fault ??
      new RotorError('temporal-certificate-refused', `Temporal at ${access.address}: ${why}`, {
        kind: 'denied',
        hint: 'does the system know who signed its certificate? Else name it in TEMPORAL_TLS_SERVER_CA_CERT_PATH',
        cause,
      })
    );
  }
}

/** Every worker process carries both queues, with slots of their own: containing never waits for ordinary work. */
function openWorkers(
  parts: EngineParts,
  connection: NativeConnection,
  temporal: Temporal,
): Promise<Worker[]> {
  const common = {
    connection,
    namespace: parts.namespace,
    workflowBundle: { codePath: parts.workflowBundle },
    activities: createActivities(portsOf(parts, temporal)),
    identity: parts.identity,
    shutdownGraceTime: parts.graceMs ?? 1_000,
    shutdownForceTime: '10s',
    debugMode: parts.debugMode ?? false,
    // Tasks for a worker that was killed go to another one after this.
    stickyQueueScheduleToStartTimeout: '2s',
  };
  return Promise.all([
    Worker.create({
      ...common,
      taskQueue: parts.taskQueue,
      maxConcurrentActivityTaskExecutions: 32,
      maxConcurrentWorkflowTaskExecutions: 40,
      maxCachedWorkflows: 500,
    }),
    Worker.create({
      ...common,
      taskQueue: urgentTaskQueue(parts.taskQueue),
      maxConcurrentActivityTaskExecutions: 32,
      maxConcurrentWorkflowTaskExecutions: 20,
      maxCachedWorkflows: 100,
    }),
  ]);
}

function portsOf(parts: EngineParts, temporal: Temporal): Ports {
  return {
    ...parts.ports,
    tell: (id, change) => tellRun(temporal, id, change),
    campaigns: openCampaigns({ ...parts, start: (run) => startRun(temporal, run) }),
    scheduler: openScheduler({ ...parts, temporal, calendar }),
    strays: openStrays(temporal),
  };
}
