/** One secret with 3,000 dependents, moved in waves of batches of 50: what its history and the worker's memory come to. */
import { secretWorkflowId } from '../domain/run.js';
import { openWorld, quickPolicy, type World } from '../test/engine/world.js';
import { declareMany } from './declare-many.js';
import type { Line } from './measure.js';
import { useAtOnce } from './use-at-once.js';

const dependents = 3_000;
const mebibyte = 1_048_576;

export async function manyDependentsBench(): Promise<Line[]> {
  const world = await openWorld(
    { ...quickPolicy, quietPeriodMs: 0 },
    { keeperEveryMs: 5_000, debugMode: false },
  );
  await world.adopt();
  useAtOnce(world);
  await declareMany(world, { count: dependents, evidence: 'observed' });
  const watch = watchMemory();
  const began = performance.now();
  await world.ask('rotate');
  const outcome = await world.result();
  const took = performance.now() - began;
  const grew = watch.stop();
  if (outcome !== 'succeeded') throw new Error(`the rotation ${outcome}`);
  const events = await countEvents(world);
  await world.close();
  return [
    {
      what: '3,000 dependents: history events',
      measured: `${events} (${(took / 1_000).toFixed(0)} s, ${(took / dependents).toFixed(1)} ms each)`,
      goal: '≤ 10,000',
      met: events <= 10_000,
    },
    {
      what: '3,000 dependents: memory of the worker',
      measured: `${grew.most.toFixed(0)} MB at most`,
      goal: '≤ 600 MB',
      met: grew.most <= 600,
    },
  ];
}

function watchMemory(): { stop(): { readonly most: number } } {
  let most = 0;
  const look = (): void => {
    most = Math.max(most, process.memoryUsage().rss / mebibyte);
  };
  const timer = setInterval(look, 250);
  return {
    stop: () => {
      look();
      clearInterval(timer);
      return { most };
    },
  };
}

async function countEvents({ client, secretId }: World): Promise<number> {
  const handle = client.workflow.getHandle(secretWorkflowId(secretId));
  return Number((await handle.describe()).historyLength);
}
