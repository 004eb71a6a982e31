import { afterEach, describe, expect, test } from '@jest/globals';
import type { Maintenance } from '../../domain/maintenance.js';
import type { Policy } from '../../domain/policy.js';
import { eventually } from '../faults/installation.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

const patience = 8_000;
const frozen: Maintenance = {
  zone: 'Asia/Kathmandu',
  windows: [],
  blackouts: [{ from: '2020-01-01', to: '2090-12-31', reason: 'freeze' }],
};

describe('a policy whose maintenance windows are closed', () => {
  let world: World;
  let traffic: ReturnType<typeof keepUsing> | undefined;
  afterEach(async () => {
    traffic?.stop();
    await world.close();
  });

  async function begin(maintenance: Maintenance | undefined, policy: Partial<Policy> = {}) {
    world = await openWorld({ ...quickPolicy, ...policy, maintenance });
    const { value } = await world.adopt();
    await world.depend('billing');
    traffic = keepUsing(world, ['billing'], () => value);
  }

  const setMaintenance = (maintenance: Maintenance | undefined) =>
    world.database.ownerPool.query(
      `update rotor.policies set policy = (policy - 'maintenance') || $1::jsonb`,
      [JSON.stringify({ maintenance })],
    );

  const waits = (runId: string) =>
    eventually(
      async () => String((await world.run(runId))['waits_told']).includes('ignore-window'),
      patience,
    );

  test('makes a run wait before anything is made, until a person says that this one need not', async () => {
    await begin(frozen);
    const runId = await world.ask('rotate');
    await waits(runId);
    expect(await world.versions()).toEqual(['v1 active current']);
    expect((await world.run(runId))['waits_told']).toContain(
      `If it cannot wait: rotor decide ${runId.slice(0, 8)} ignore-window`,
    );
    await world.decide(runId, 'ignore-window');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(traffic?.refused).toEqual([]);
  });

  test('holds the revoke back once it closes, and lets it go when it opens', async () => {
    await begin(undefined, { quietPeriodMs: 1_500 });
    const runId = await world.ask('rotate');
    const isConfirmed = async () => (await world.versions()).includes('v2 active current');
    await eventually(isConfirmed, patience);
    await setMaintenance(frozen);
    await waits(runId);
    expect(await world.versions()).not.toContain('v1 revoked');
    await setMaintenance(undefined);
    await world.tell();
    expect(await world.result()).toBe('succeeded');
  });

  test('does not hold up containing, and says so to who wants to ignore it', async () => {
    await begin(frozen);
    const runId = await world.ask('compromise');
    await expect(world.decide(runId, 'ignore-window')).rejects.toMatchObject({ code: 'no-window' });
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
  });
});
