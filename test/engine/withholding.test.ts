import { afterEach, describe, expect, test } from '@jest/globals';
import { retireDependent } from '../../infra/registry/dependents.js';
import { withholdDependent, releaseDependent } from '../../infra/registry/withholdings.js';
import { eventually } from '../faults/installation.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

const patience = 8_000;

describe('a dependent that is given no new value', () => {
  let world: World;
  let traffic: ReturnType<typeof keepUsing> | undefined;
  afterEach(async () => {
    traffic?.stop();
    await world.close();
  });

  async function begin(policy = quickPolicy): Promise<string> {
    world = await openWorld(policy);
    const { value } = await world.adopt();
    for (const name of ['billing', 'leaky']) {
      await world.depend(name);
      world.connector.places.set(name, value);
    }
    traffic = keepUsing(world, ['billing', 'leaky'], () => value);
    return value;
  }

  const call = {
    organization: 'acme',
    dependent: 'leaky',
    by: 'ada',
    reason: 'it was broken into',
  };

  test('a compromise that excludes it replaces the value everywhere else, and it is a finding', async () => {
    const old = await begin();
    await world.ask('compromise', { excluded: ['leaky'] });
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(world.connector.places.get('leaky')).toBe(old);
    expect(world.connector.places.get('billing')).not.toBe(old);
    expect(await world.findings()).toContain('dependent-withheld');
    const { rows } = await world.database.pool.query(
      `select message from rotor.findings where code = 'clean-failed'`,
    );
    const message = 'leaky still holds a revoked version, until it is released and rotated';
    expect(rows).toEqual([{ message }]);
  });

  test('released after the run that left it out, it is told what it lacks, until a rotation brings it', async () => {
    await begin();
    await world.ask('compromise', { excluded: ['leaky'] });
    expect(await world.result()).toBe('succeeded');
    const parts = world.withholdingParts;
    expect(await releaseDependent(parts, { ...call, secret: 'api' })).toMatchObject({
      behind: ['api'],
    });
    await world.ask('rotate');
    await world.result();
    await withholdDependent(parts, { ...call, secret: 'api' });
    expect(await releaseDependent(parts, { ...call, secret: 'api' })).toMatchObject({ behind: [] });
  });

  test('a later rotation does not move it either, until somebody releases it', async () => {
    const old = await begin();
    await withholdDependent(world.withholdingParts, { ...call, secret: undefined });
    const runId = await world.ask('rotate');
    await eventually(
      async () => (await world.run(runId))['waits_code'] === 'dependents-not-moved',
      patience,
    );
    expect((await world.run(runId))['waits_told']).toContain('leaky (withheld by ada)');
    expect(world.connector.places.get('leaky')).toBe(old);
    expect(await world.versions()).toEqual(['v1 retiring', 'v2 active current']);
    await releaseDependent(world.withholdingParts, { ...call, secret: undefined });
    await world.tell();
    expect(await world.result()).toBe('succeeded');
    expect(world.connector.places.get('leaky')).not.toBe(old);
    expect(await world.findings()).not.toContain('dependent-withheld');
    expect(traffic?.refused).toEqual([]);
  });

  test('said while it is being written to: it does not get the value', async () => {
    const old = await begin({ ...quickPolicy, canary: false });
    const { deliver } = world.connector;
    const { held } = world.connector;
    // Just before the write, when the lease is taken already.
    Object.assign(world.connector, {
      held: async (...[destination, known]: Parameters<typeof held>) => {
        if (destination.identity === 'leaky')
          await withholdDependent(world.withholdingParts, { ...call, secret: 'api' });
        return held(destination, known);
      },
    });
    const runId = await world.ask('rotate');
    await eventually(
      async () => (await world.run(runId))['waits_code'] === 'dependents-not-moved',
      patience,
    );
    expect(world.connector.deliver).toBe(deliver);
    expect(world.connector.places.get('leaky')).toBe(old);
  });

  test('a release of nobody, and of nothing, is refused', async () => {
    await begin();
    const parts = world.withholdingParts;
    const release = (more: object) =>
      releaseDependent(parts, { ...call, secret: undefined, ...more });
    await expect(release({})).rejects.toMatchObject({ code: 'not-withheld' });
    await expect(release({ dependent: 'nobody' })).rejects.toMatchObject({
      code: 'no-such-dependent',
    });
    await expect(release({ secret: 'other' })).rejects.toMatchObject({
      code: 'no-such-dependency',
    });
  });

  test('it is not retired, and declared again as another one, before it is released', async () => {
    await begin();
    const parts = world.withholdingParts;
    const retire = () =>
      retireDependent(parts, { organization: 'acme', dependent: 'leaky', by: 'eve' });
    await withholdDependent(parts, { ...call, secret: undefined });
    await expect(retire()).rejects.toMatchObject({ code: 'dependent-withheld' });
    await releaseDependent(parts, { ...call, secret: undefined });
    expect(await retire()).toMatchObject({ retired: 'leaky' });
  });

  test('of one secret and of all: the finding closes with the last release', async () => {
    await begin();
    const parts = world.withholdingParts;
    await withholdDependent(parts, { ...call, secret: 'api' });
    await withholdDependent(parts, { ...call, secret: undefined });
    await withholdDependent(parts, { ...call, secret: undefined, reason: 'again' });
    await releaseDependent(parts, { ...call, secret: 'api' });
    expect(await world.findings()).toEqual(['dependent-withheld']);
    await expect(releaseDependent(parts, { ...call, secret: 'api' })).rejects.toMatchObject({
      code: 'withheld-from-all',
    });
    await releaseDependent(parts, { ...call, secret: undefined });
    expect(await world.findings()).toEqual([]);
    await expect(
      world.database.pool.query(`update rotor.withholdings set released_at = null`),
    ).rejects.toThrow('a withholding is only ever released');
  });
});
