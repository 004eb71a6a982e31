/** Starts and wakes workflows in Temporal; what they do is decided by rows, so that repeating either is harmless. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { campaignWorkflowId } from '../domain/campaign.js';
import {
  aboutSecret,
  collectorWorkflowId,
  factsChangedSignal,
  secretWorkflowId,
  taskQueueOf,
  urgentTaskQueue,
  type FactsChanged,
  type RunInput,
  type RunKind,
  type StartableRun,
} from '../domain/run.js';

/** Where rotor's workflows are: a namespace's client, and the queue of this installation's workers. */
export interface Temporal {
  readonly client: Client;
  readonly taskQueue: string;
}

const workflowTypes: Readonly<Record<RunKind, string>> = {
  rotate: 'rotateSecret',
  compromise: 'compromiseSecret',
  revoke: 'revokeVersion',
  decommission: 'decommissionSecret',
};

/** A run whose row is closed has its last task before it; then the id is free. */
const closingMs = [20, 50, 100, 200, 400];

/**
 * For whoever has just stored the run. False where another run's workflow still has the id: the keeper
 * tries again. A run that contains or takes over terminates what is there; the rows of the old run are closed already.
 */
export async function startRun(temporal: Temporal, run: StartableRun): Promise<boolean> {
  // Containing never waits, not even for the last lines of a run whose row is closed already.
  const conflict = doesNotWait(run) ? 'TERMINATE_EXISTING' : 'FAIL';
  return whileClosing(() => tryToStart(temporal, run, conflict));
}

/** For the keeper: the run may have been started before, and its workflow still wait for a worker. */
export async function startUnattended(temporal: Temporal, run: StartableRun): Promise<boolean> {
  return whileClosing(() => startUnlessThere(temporal, run));
}

async function startUnlessThere(temporal: Temporal, run: StartableRun): Promise<boolean> {
  if (await tryToStart(temporal, run, 'FAIL')) return true;
  const there = await workflowThere(temporal, run.secretId);
  if (there?.runId === run.runId) return true;
  if (there === undefined || !doesNotWait(run)) return false;
  await there.terminate();
  return tryToStart(temporal, run, 'FAIL');
}

function doesNotWait({ takesOver, kind }: StartableRun): boolean {
  return takesOver || kind === 'compromise';
}

async function whileClosing(start: () => Promise<boolean>): Promise<boolean> {
  for (const ms of closingMs) {
    if (await start()) return true;
    await pause(ms);
  }
  return start();
}

interface WorkflowThere {
  /** The run's, as its memo says. */
  readonly runId: unknown;
  /** That very execution: one that took its place meanwhile is left alone. */
  terminate(): Promise<void>;
}

/** Undefined where it has just ended. */
async function workflowThere(
  { client }: Temporal,
  secretId: string,
): Promise<WorkflowThere | undefined> {
  const id = secretWorkflowId(secretId);
  try {
    const { status, memo, runId: execution } = await client.workflow.getHandle(id).describe();
    if (status.name !== 'RUNNING') return undefined;
    return {
      runId: memo?.['run'],
      terminate: () => fineIfGone(client.workflow.getHandle(id, execution).terminate('taken over')),
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function fineIfGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** Starts the workflow of an open run where it is missing; one that is there is left alone. */
export function restartRun(temporal: Temporal, run: StartableRun): Promise<boolean> {
  return tryToStart(temporal, run, 'FAIL');
}

type Conflict = 'FAIL' | 'TERMINATE_EXISTING';

async function tryToStart(
  { client, taskQueue }: Temporal,
  run: StartableRun,
  workflowIdConflictPolicy: Conflict,
): Promise<boolean> {
  const secretName = `${run.organization}/${run.secret}`;
  const { runId, secretId, organization, owner } = run;
  const input: RunInput = { runId, secretId, secretName, organization, owner, taskQueue };
  try {
    await client.workflow.start(workflowTypes[run.kind], {
      workflowId: secretWorkflowId(run.secretId),
      taskQueue: taskQueueOf(run.kind, taskQueue),
      args: [input],
      workflowIdConflictPolicy,
      memo: { run: runId },
      staticSummary: `${run.kind} ${secretName}`.slice(0, 200),
      priority: { priorityKey: run.kind === 'compromise' ? 1 : 3 },
      typedSearchAttributes: aboutSecret(run).map(([name, value]) => ({
        key: defineSearchAttributeKey(name, 'KEYWORD'),
        value,
      })),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** Nobody to tell is fine: the row that changed is read by whoever comes next. */
export async function tellRun(
  { client }: Temporal,
  secretId: string,
  change: FactsChanged,
): Promise<void> {
  const handle = client.workflow.getHandle(secretWorkflowId(secretId));
  await fineIfGone(handle.signal(factsChangedSignal, change));
}

/** On the urgent queue: containing never waits for ordinary work. One workflow per campaign, however many say so. */
export async function startCampaign(
  { client, taskQueue }: Temporal,
  campaignId: string,
  about: string,
): Promise<void> {
  try {
    await client.workflow.start('campaign', {
      workflowId: campaignWorkflowId(campaignId),
      taskQueue: urgentTaskQueue(taskQueue),
      args: [campaignId],
      staticSummary: about.slice(0, 200),
      priority: { priorityKey: 1 },
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Makes a worker ready for its first workflow on both of its queues. */
export async function warmUp({ client, taskQueue }: Temporal, identity: string): Promise<void> {
  await Promise.all(
    [taskQueue, urgentTaskQueue(taskQueue)].map((queue) =>
      client.workflow.execute('warmUp', {
        workflowId: `warm-up/${queue}/${identity}`,
        taskQueue: queue,
        workflowExecutionTimeout: '1 minute',
        workflowIdConflictPolicy: 'USE_EXISTING',
      }),
    ),
  );
}

/** One collector per issuer instance, however many workers say so. */
export async function startCollector(
  { client, taskQueue }: Temporal,
  issuer: string,
): Promise<void> {
  try {
    await client.workflow.start('collectUse', {
      workflowId: collectorWorkflowId(taskQueue, issuer),
      taskQueue,
      args: [issuer],
      staticSummary: `use seen by ${issuer}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
