/** A rotation with four dependents against a no-op workflow with as many activities, alternating in one run. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { secretWorkflowId } from '../domain/run.js';
import { sharedTemporal } from '../test/harness/temporal.js';
import { openWorld, quickPolicy, type World } from '../test/engine/world.js';
import { median, sample, type Line, type Sample } from './measure.js';
import { useAtOnce } from './use-at-once.js';

const rounds = 15;
const policy = { ...quickPolicy, quietPeriodMs: 0, disablePeriodMs: 0 };

export async function rotateBench(): Promise<Line[]> {
  const world = await openWorld(policy, { keeperEveryMs: 5_000, debugMode: false });
  await world.adopt();
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) await world.depend(name);
  useAtOnce(world);
  await rotateOnce(world);
  const { activities, events } = await countHistory(world);
  const noops = await openNoops(activities);
  await noops.run();
  const rotations: Sample[] = [];
  const measures: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    measures.push(await sample(() => noops.run()));
    rotations.push(await sample(() => rotateOnce(world)));
  }
  await noops.close();
  await world.close();
  return lines({ activities, events, rotations, measures });
}

async function rotateOnce(world: World): Promise<void> {
  await world.ask('rotate');
  const outcome = await world.result();
  if (outcome !== 'succeeded') throw new Error(`the rotation ${outcome}`);
}

async function countHistory({
  client,
  secretId,
}: World): Promise<{ activities: number; events: number }> {
  const { events = [] } = await client.workflow
    .getHandle(secretWorkflowId(secretId))
    .fetchHistory();
  const list = events ?? [];
  const activities = list.filter((event) => event.activityTaskScheduledEventAttributes).length;
  return { activities, events: list.length };
}

interface NoopRunner {
  run(): Promise<void>;
  close(): Promise<void>;
}

async function openNoops(count: number): Promise<NoopRunner> {
  const { address, namespace } = sharedTemporal();
  const taskQueue = `bench-${randomBytes(4).toString('hex')}`;
  const native = await NativeConnection.connect({ address, grpcCompression: { codec: 'none' } });
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const workflowsPath = fileURLToPath(new URL('./workflows.js', import.meta.url));
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('ERROR'),
  });
  const activities = { noop: (index: number) => Promise.resolve(index) };
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue,
    workflowBundle,
    activities,
  });
  const running = worker.run();
  return {
    run: async () => {
      const workflowId = `noops-${randomBytes(8).toString('hex')}`;
      await client.workflow.execute('noops', { workflowId, taskQueue, args: [count] });
    },
    close: async () => {
      worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}

interface Measured {
  readonly activities: number;
  readonly events: number;
  readonly rotations: readonly Sample[];
  readonly measures: readonly Sample[];
}

function lines({ activities, events, rotations, measures }: Measured): Line[] {
  const wall = [
    median(rotations.map((s) => s.wallMs)),
    median(measures.map((s) => s.wallMs)),
  ] as const;
  const cpu = [
    median(rotations.map((s) => s.cpuMs)),
    median(measures.map((s) => s.cpuMs)),
  ] as const;
  const ratio = ([ours, theirs]: readonly [number, number]): string =>
    `${(ours / theirs).toFixed(2)} × (${ours.toFixed(0)} ms to ${theirs.toFixed(0)} ms)`;
  return [
    {
      what: 'activities of a rotation, 4 dependents',
      measured: String(activities),
      goal: '≤ 12',
      met: activities <= 12,
    },
    { what: 'history events', measured: String(events), goal: '≤ 120', met: events <= 120 },
    {
      what: 'time against as many no-ops',
      measured: ratio(wall),
      goal: '≤ 1.7 ×',
      met: wall[0] / wall[1] <= 1.7,
    },
    {
      what: 'CPU of the worker against them',
      measured: ratio(cpu),
      goal: '≤ 1.7 ×',
      met: cpu[0] / cpu[1] <= 1.7,
    },
  ];
}
