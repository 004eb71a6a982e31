import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Destination } from '../../domain/connector.js';
import { AdapterError } from '../../domain/errors.js';
import { eventually } from '../faults/installation.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

/** Longer than the update step looks by itself. */
const late = 6_500;

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

  test('whoever uses it only when made to is made to; that one cannot be made to is told, and stops nothing', async () => {
    world = await openWorld({ ...quickPolicy, canary: false });
    const { value: old } = await world.adopt();
    await world.depend('pipeline');
    await world.depend('unmovable');
    const used = (name: string, value?: string): boolean =>
      world.issuer.use(value ?? world.connector.places.get(name) ?? '', { userAgent: name });
    Object.assign(world.connector, {
      exercise: ({ identity }: Destination) => {
        if (identity === 'unmovable') throw new AdapterError('unreachable', 'no answer');
        used(identity);
        return Promise.resolve();
      },
    });
    used('unmovable', old);
    const runId = await world.ask('rotate');
    await eventually(
      async () =>
        /unmovable could not be made .* \(unreachable\)/.test(
          String((await world.run(runId))['waits_told']),
        ),
      8_000,
    );
    used('unmovable');
    expect(await world.result()).toBe('succeeded');
  });

  test('a value that a write displaces is kept once, however often the write is tried again', async () => {
    world = await openWorld({ ...quickPolicy, canary: false });
    const { value: old } = await world.adopt();
    await world.depend('billing');
    world.connector.places.set('billing', 'of somebody else');
    const traffic = keepUsing(world, ['billing'], () => old);
    const { deliver } = world.connector;
    let tries = 0;
    Object.assign(world.connector, {
      deliver: (...call: Parameters<typeof deliver>) => {
        tries += 1;
        return tries < 3 ? Promise.reject(new AdapterError('busy', 'later')) : deliver(...call);
      },
    });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
    expect(tries).toBe(3);
    const { rows } = await world.database.pool.query<{ about: string }>(
      `select about from rotor.findings where code = 'unknown-value'`,
    );
    expect(rows).toEqual([{ about: 'kept billing of somebody else' }]);
  });

  test('a listing that leaves out what works is not believed', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    const traffic = keepUsing(world, ['billing'], () => old);
    const { list } = world.issuer;
    let empty = 0;
    Object.assign(world.issuer, {
      list: async (...call: Parameters<typeof list>) => {
        if (empty > 2 || !(await world.versions()).includes('v2 active current'))
          return list(...call);
        empty += 1;
        return [];
      },
    });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
    expect(empty).toBeGreaterThan(0);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(world.issuer.use(old, { userAgent: 'late' })).toBe(false);
  });

  test('whoever picks its value up late is proven then, and not at the end of its patience', async () => {
    // Patience that outlasts the test: only the first use of the new value can end the wait in time.
    const timeouts = { ...quickPolicy.timeouts, proveMs: 600_000 };
    world = await openWorld({ ...quickPolicy, timeouts });
    const { value: old } = await world.adopt();
    await world.depend('billing');
    await world.ask('rotate');
    await eventually(() => Promise.resolve(world.connector.places.has('billing')));
    world.issuer.use(old, { userAgent: 'billing' });
    await pause(late);
    world.issuer.use(world.connector.places.get('billing') ?? '', { userAgent: 'billing' });
    expect(await world.result()).toBe('succeeded');
    expect(await world.findings()).toEqual([]);
  });
});
