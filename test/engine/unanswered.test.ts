import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../faults/installation.js';
import { openWorld, quickPolicy, type World } from './world.js';

describe('a compromise, and a mint of the run before that nobody answered', () => {
  let world: World;
  afterEach(() => world.close());
  const policy = { ...quickPolicy, timeouts: { ...quickPolicy.timeouts, mintMs: 600_000 } };

  test('one that the run it took over is still waiting for is adopted as soon as it has come', async () => {
    world = await openWorld(policy);
    await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    const { mint } = world.issuer;
    let minting = false;
    Object.assign(world.issuer, {
      mint: async (...request: Parameters<typeof mint>) => {
        minting = true;
        await pause(1_500);
        return mint(...request);
      },
    });
    const taken = await world.ask('rotate');
    await eventually(() => Promise.resolve(minting));
    await world.ask('compromise');
    expect(await world.result()).toBe('succeeded');
    expect((await world.run(taken))['outcome']).toBe('superseded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(world.issuer.live.size).toBe(1);
  });

  test('one of a version that is known by now is not waited for', async () => {
    world = await openWorld(policy);
    await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    const runId = await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    await world.database.ownerPool.query(
      `insert into rotor.effects (id, run_id, kind, version_id, deadline)
       select gen_random_uuid(), $1, 'mint', id, now() + interval '10 minutes' from rotor.versions
       where is_current`,
      [runId],
    );
    await world.ask('compromise');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 revoked', 'v3 active current']);
  });
});
