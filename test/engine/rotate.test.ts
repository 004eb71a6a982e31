import { afterEach, describe, expect, test } from '@jest/globals';
import { keepUsing, openWorld, type World } from './world.js';

describe('rotate', () => {
  let world: World;
  afterEach(() => world.close());

  test('moves every dependent, proves it, and revokes what nobody uses', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    await world.depend('reports');
    const traffic = keepUsing(world, ['billing', 'reports'], () => old);
    const runId = await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(traffic.refused).toEqual([]);
    expect(world.issuer.use(old, { userAgent: 'late' })).toBe(false);
    expect(await world.run(runId)).toMatchObject({ state: 'ended', outcome: 'succeeded' });
  });
});
