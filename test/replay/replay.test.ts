import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { keepUsing, openWorld, type World } from '../engine/world.js';
import { eventually } from '../faults/installation.js';
import { goldenHistories, mapStrings, readHistory, recordHistory, textsOf } from './histories.js';

const codePath = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));

function replay(history: unknown): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: { codePath } }, historyFromJSON(history));
}

async function waitsFor(world: World, runId: string, code: string): Promise<void> {
  await eventually(async () => (await world.run(runId))['waits_code'] === code);
}

/** A script that nobody declared holds the run until something is decided. */
async function held(world: World): Promise<{ runId: string; stop: () => void }> {
  const { value: old } = await world.adopt();
  await world.depend('billing');
  await world.depend('reports', { evidence: 'read-back' });
  for (const name of ['billing', 'reports']) world.connector.places.set(name, old);
  const { stop } = keepUsing(world, ['billing', 'script'], () => old);
  const runId = await world.ask('rotate');
  await waitsFor(world, runId, 'undeclared-use');
  return { runId, stop };
}

const recordings: Readonly<Record<string, (world: World) => Promise<() => void>>> = {
  rotation: async (world) => {
    const { stop } = await held(world);
    await world.depend('script');
    await world.tell();
    return stop;
  },
  'roll-back': async (world) => {
    const { runId, stop } = await held(world);
    await world.decide(runId, 'roll-back');
    return stop;
  },
  compromise: async (world) => {
    const { stop } = await held(world);
    await world.ask('compromise');
    return stop;
  },
};

// ROTOR_UPDATE_GOLDEN=1 records them anew: only where no run of an earlier release is still open.
if (process.env['ROTOR_UPDATE_GOLDEN'] === '1') {
  test.each(Object.entries(recordings))('%s is recorded anew', async (name, carryOut) => {
    const world = await openWorld();
    try {
      const stop = await carryOut(world);
      expect(await world.result()).toBe(name === 'roll-back' ? 'rolled-back' : 'succeeded');
      stop();
      await recordHistory(world, name);
    } finally {
      await world.close();
    }
  });
}

describe('a history that was recorded by an earlier release', () => {
  test.each(Object.keys(recordings))('%s: replays', async (name) => {
    await replay(readHistory(`${name}.json`));
  });

  test('there is one of each kind, and none of them holds a value or a path', () => {
    const names = goldenHistories();
    expect(names).toEqual(
      Object.keys(recordings)
        .sort()
        .map((name) => `${name}.json`),
    );
    for (const name of names) {
      const texts = textsOf(readHistory(name));
      expect(texts).toContain('runId');
      expect(texts).not.toMatch(/\b(old|value|ours)-[0-9a-f]{8}-/);
      expect(texts).not.toMatch(/\/dist\/|\/node_modules\/|file:\/\//);
    }
  });

  test.each(Object.keys(recordings))(
    '%s: fails to replay once an activity has another name',
    async (name) => {
      const renamed = mapStrings(readHistory(`${name}.json`), (text, key) =>
        key === 'name' && text === 'plan' ? 'schedule' : text,
      );
      expect(textsOf(renamed)).toContain('temporal-typescript');
      await expect(replay(renamed)).rejects.toThrow(/[Nn]ondeterminism|TMPRL1100/);
    },
  );
});
