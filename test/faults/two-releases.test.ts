import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createActivities } from '../../activities/index.js';
import { secretWorkflowId } from '../../domain/run.js';
import { calendar } from '../../infra/calendar.js';
import { packageRoot } from '../../infra/package-root.js';
import { openParts, type Parts } from '../../workers/parts.js';
import { openScheduler } from '../../workers/scheduler.js';
import { readSettings } from '../../workers/settings.js';
import { sharedTemporal } from '../harness/temporal.js';
import {
  end,
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type UsedSecret,
} from './installation.js';

const built = join(packageRoot(), 'dist');

let installation: Installation;
let parts: Parts;
let connection: Connection;
let native: NativeConnection;

beforeAll(async () => {
  // What the older worker complains about is what the tests are about.
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) },
    },
  });
  installation = await openInstallation();
  installation.start('api');
  await installation.ready();
  parts = await openParts(readSettings(installation.environment));
  const { address } = sharedTemporal();
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
});
afterAll(async () => {
  await native.close();
  await connection.close();
  await parts.pool.end();
  await installation.close();
});

/** The workflows of a release before the step `disable`: a copy without its line. */
async function olderWorkflows(): Promise<{ code: string }> {
  const folder = join(installation.folder, 'older');
  mkdirSync(folder);
  for (const name of ['workflows', 'domain'])
    cpSync(join(built, name), join(folder, name), { recursive: true });
  symlinkSync(join(packageRoot(), 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'workflows', 'steps', 'simple.js');
  const text = readFileSync(file, 'utf8');
  const older = text.replace(/^ *disable: .*$/m, '');
  expect(older).not.toBe(text);
  writeFileSync(file, older);
  const workflowsPath = join(folder, 'workflows', 'index.js');
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}

function activitiesHere(): ReturnType<typeof createActivities> {
  return createActivities({
    ...parts,
    scheduler: openScheduler({
      ...parts,
      temporal: {
        client: new Client({ connection, namespace: sharedTemporal().namespace }),
        taskQueue: installation.environment.ROTOR_TASK_QUEUE,
      },
      calendar,
      identity: 'another release',
    }),
    tell: () => Promise.resolve(),
    campaigns: { advance: () => Promise.reject(new Error('there is none')) },
    strays: { end: () => Promise.resolve([]) },
    reached: () => undefined,
    warn: () => undefined,
  });
}

/** A worker of another release, on the queue of this installation. */
async function openOther(
  other: Pick<WorkerOptions, 'workflowBundle' | 'activities'>,
): Promise<() => Promise<void>> {
  const worker = await Worker.create({
    connection: native,
    namespace: sharedTemporal().namespace,
    taskQueue: installation.environment.ROTOR_TASK_QUEUE,
    identity: 'another release',
    stickyQueueScheduleToStartTimeout: '2s',
    shutdownGraceTime: '1s',
    shutdownForceTime: '10s',
    ...other,
  });
  const running = worker.run();
  return async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
  };
}

async function handleOf(secret: UsedSecret) {
  const { rows } = await installation.database.pool.query<{ id: string }>(
    'select id from rotor.secrets where name = $1',
    [secret.name],
  );
  const client = new Client({ connection, namespace: sharedTemporal().namespace });
  return client.workflow.getHandle(secretWorkflowId(rows[0]?.id ?? ''));
}

/**
 * An upgrade: the newer one comes, the older one goes. Beside each other the newer one gets the task, too,
 * but not before Temporal has turned to another poll, which takes a minute on an idle queue.
 */
async function completesAfterUpgrade(
  secret: UsedSecret,
  { runId, leave }: { readonly runId: string; readonly leave: () => Promise<void> },
): Promise<void> {
  expect(await secret.run(runId)).toMatchObject({ state: 'running' });
  const newer = installation.start('worker');
  try {
    await leave();
    await eventually(async () => (await secret.run(runId))['state'] === 'ended');
  } finally {
    await secret.stop();
    await end(newer);
  }
  expect(await secret.run(runId)).toMatchObject({ outcome: 'succeeded' });
  expect(await secret.orphans()).toEqual([]);
  expect(secret.refused).toEqual([]);
  expect(await secret.login(secret.oldValue, 'check')).toBe('refused');
}

describe('an older worker meets what only a newer release knows', () => {
  test('an activity: it is tried again, and the newer worker does it', async () => {
    const { disable: _later, ...activities } = activitiesHere();
    const codePath = join(built, 'workflow-bundle.js');
    const leave = await openOther({ workflowBundle: { codePath }, activities });
    const secret = await openSecret(installation, 'unknown-activity');
    const runId = await secret.ask('rotate');
    const handle = await handleOf(secret);
    await eventually(async () => {
      const { raw } = await handle.describe();
      return (raw.pendingActivities ?? []).some(
        ({ activityType, attempt }) => activityType?.name === 'disable' && Number(attempt) > 1,
      );
    });
    await completesAfterUpgrade(secret, { runId, leave });
  });

  test('a step of the stored plan: the run stays open, and goes on with the newer worker', async () => {
    const workflowBundle = await olderWorkflows();
    const leave = await openOther({ workflowBundle, activities: activitiesHere() });
    const secret = await openSecret(installation, 'unknown-step');
    const runId = await secret.ask('rotate');
    const handle = await handleOf(secret);
    const failures = async (): Promise<string[]> => {
      const { events } = await handle.fetchHistory();
      return (events ?? []).flatMap(
        ({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? [],
      );
    };
    await eventually(async () => (await failures()).length > 0);
    expect((await failures())[0]).toContain('does not know step disable');
    await completesAfterUpgrade(secret, { runId, leave });
  });
});
