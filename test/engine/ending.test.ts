import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../faults/installation.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

const patience = 8_000;

describe('ending without a successor', () => {
  let world: World;
  afterEach(() => world.close());

  /** One version that `billing` has at its destination. */
  async function begin(policy = quickPolicy): Promise<{ value: string; versionId: string }> {
    world = await openWorld(policy);
    const adopted = await world.adopt();
    await world.depend('billing');
    world.connector.places.set('billing', adopted.value);
    return adopted;
  }

  async function isRetired(): Promise<boolean> {
    const { rows } = await world.database.pool.query<{ retired: boolean }>(
      'select retired_at is not null as retired from rotor.secrets',
    );
    return rows[0]?.retired ?? false;
  }

  async function waitsCode(runId: string): Promise<unknown> {
    return (await world.run(runId))['waits_code'];
  }

  test('a decommission revokes what nobody uses, empties the destinations and retires the secret', async () => {
    const { value } = await begin({ ...quickPolicy, disablePeriodMs: 200 });
    await world.ask('decommission');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked']);
    expect(world.issuer.use(value, { userAgent: 'billing' })).toBe(false);
    expect(world.connector.places.size).toBe(0);
    expect(world.store.values.size).toBe(0);
    expect(await isRetired()).toBe(true);
    expect(await world.findings()).toEqual([]);
  });

  test('a decommission that is paused between its last steps goes on once it is resumed', async () => {
    await begin();
    const withdraw = world.connector.withdraw;
    let runId = '';
    world.connector.withdraw = async (removal) => {
      await withdraw(removal);
      await world.decide(runId, 'pause');
    };
    runId = await world.ask('decommission');
    await eventually(async () => (await waitsCode(runId)) === 'paused');
    expect(await isRetired()).toBe(false);
    await world.decide(runId, 'resume');
    expect(await world.result()).toBe('succeeded');
    expect(await world.run(runId)).toMatchObject({ state: 'ended', outcome: 'succeeded' });
    expect(await isRetired()).toBe(true);
  });

  test('a decommission ends where a mint of long ago was left to a person to find', async () => {
    await begin();
    await world.database.ownerPool.query(
      `insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
       select gen_random_uuid(), id, 2, 'pending', 'minted', 'unknown' from rotor.secrets`,
    );
    await world.ask('decommission');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 pending']);
    expect(await isRetired()).toBe(true);
  });

  test('a decommission waits as long as somebody uses it', async () => {
    const { value } = await begin();
    const traffic = keepUsing(world, ['billing'], () => value);
    const runId = await world.ask('decommission');
    await eventually(async () => (await waitsCode(runId)) === 'breaks-dependents', patience);
    expect(await world.versions()).toEqual(['v1 active current']);
    expect(traffic.refused).toEqual([]);
    traffic.stop();
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked']);
  });

  test('a straggler brings back what was disabled, and the decommission looks again', async () => {
    const { value } = await begin({ ...quickPolicy, disablePeriodMs: 2_000 });
    await world.ask('decommission');
    await eventually(async () => (await world.versions())[0] === 'v1 disabled current', patience);
    expect(world.issuer.use(value, { userAgent: 'billing' })).toBe(false);
    await eventually(async () => (await world.versions())[0] === 'v1 retiring current', patience);
    expect(world.issuer.use(value, { userAgent: 'billing' })).toBe(true);
    expect(await world.findings()).toEqual(['straggler']);
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked']);
  });

  test('while it is only disabled, one decision brings everything back', async () => {
    const { value } = await begin({ ...quickPolicy, disablePeriodMs: 600_000 });
    const runId = await world.ask('decommission');
    await eventually(async () => (await world.versions())[0] === 'v1 disabled current', patience);
    await world.decide(runId, 'abort');
    expect(await world.result()).toBe('rolled-back');
    expect(await world.versions()).toEqual(['v1 active current']);
    expect(world.issuer.use(value, { userAgent: 'billing' })).toBe(true);
    expect(world.connector.places.get('billing')).toBe(value);
    expect(await isRetired()).toBe(false);
  });

  test('a leftover is revoked alone', async () => {
    const { value } = await begin();
    const leftover = await world.adopt({ ordinal: 2, current: false });
    await world.ask('revoke', { versionIds: [leftover.versionId] });
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 active current', 'v2 revoked']);
    expect(world.issuer.use(leftover.value, { userAgent: 'anybody' })).toBe(false);
    expect(world.issuer.use(value, { userAgent: 'billing' })).toBe(true);
    expect(world.connector.places.get('billing')).toBe(value);
    expect(await isRetired()).toBe(false);
  });

  test('the current version is revoked while it is used, where that outage was accepted by name', async () => {
    const { value, versionId } = await begin();
    const traffic = keepUsing(world, ['billing'], () => value);
    await world.ask('revoke', {
      versionIds: [versionId],
      acceptedOutage: { by: 'ada', reason: 'it is over', dependents: ['billing'], sources: [] },
    });
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
    expect(await world.versions()).toEqual(['v1 revoked']);
    expect(world.connector.places.size).toBe(0);
    expect(await isRetired()).toBe(false);
    const { rows } = await world.database.pool.query('select basis from rotor.grants');
    expect(rows).toEqual([{ basis: 'accepted-outage' }]);
  });
});
