import { afterEach, describe, expect, test } from '@jest/globals';
import type { Policy } from '../../domain/policy.js';
import { eventually } from '../faults/installation.js';
import type { TestIssuerOptions } from '../issuers/test-issuer.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

let world: World;
afterEach(() => world.close());

async function worldWith(about: TestIssuerOptions, policy: Partial<Policy> = {}): Promise<string> {
  world = await openWorld({ ...quickPolicy, ...policy }, about);
  const { value } = await world.adopt();
  await world.depend('billing', { evidence: 'read-back' });
  world.connector.places.set('billing', value);
  return value;
}

async function waitsFor(runId: string, code: string): Promise<void> {
  await eventually(async () => (await world.run(runId))['waits_code'] === code);
}

/** When the call that ended the version was made, by our clock. */
async function revokedAt(): Promise<number> {
  const { rows } = await world.database.pool.query<{ called_at: Date }>(
    'select called_at from rotor.grants order by called_at desc limit 1',
  );
  return rows[0]?.called_at.getTime() ?? 0;
}

/** Uses the old value for a while longer than the run needs to move everybody; gives the last moment. */
function useFor(value: string, ms: number): Promise<number> {
  const stop = Date.now() + ms;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      world.issuer.use(value, { userAgent: 'billing' });
      if (Date.now() < stop) return;
      clearInterval(timer);
      resolve(Date.now());
    }, 20);
  });
}

const accepted = { by: 'test', reason: 'test' };

describe('a record of use that does not see everything', () => {
  test.each(['sampled', 'absent'] as const)(
    '%s: nothing is revoked before somebody accepts it',
    async (useRecord) => {
      const old = await worldWith({ traits: { useRecord } });
      const runId = await world.ask('rotate');
      await waitsFor(runId, 'use-not-seen');
      expect(world.issuer.use(old, { userAgent: 'billing' })).toBe(true);
    },
  );

  test.each([
    ['sampled', 'by the policy', { acceptUnseenUse: accepted }, {}],
    ['absent', 'by the policy', { acceptUnseenUse: accepted }, {}],
    ['sampled', 'for the run', {}, { acceptedUnseenUse: accepted }],
    ['absent', 'for the run', {}, { acceptedUnseenUse: accepted }],
  ] as const)('%s, accepted %s: revoked on that basis', async (...row) => {
    const [useRecord, , policy, options] = row;
    await worldWith({ traits: { useRecord } }, policy);
    await world.ask('rotate', options);
    expect(await world.result()).toBe('succeeded');
    const { rows } = await world.database.pool.query('select basis from rotor.grants');
    expect(rows).toEqual([{ basis: 'unseen-use-accepted' }]);
  });

  test('absent, and accepted while the run is blocked: it goes on by itself, on that basis', async () => {
    await worldWith({ traits: { useRecord: 'absent' } });
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'use-not-seen');
    await world.decide(runId, 'accept-unseen-use');
    expect(await world.result()).toBe('succeeded');
    const { rows } = await world.database.pool.query('select basis from rotor.grants');
    expect(rows).toEqual([{ basis: 'unseen-use-accepted' }]);
  });

  test('sampled and accepted: a use in a sample still holds the revoke', async () => {
    const old = await worldWith(
      { traits: { useRecord: 'sampled' } },
      { acceptUnseenUse: accepted },
    );
    const lastUse = useFor(old, 1_500);
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(await revokedAt()).toBeGreaterThan(await lastUse);
  });
});

describe('quiet time', () => {
  const quietPeriodMs = 400;
  test.each([
    ['a clock that is 5 s ahead', { skewMs: 5_000 }, 0],
    ['a clock that is 5 s behind', { skewMs: -5_000 }, 0],
    ['the last use alone, by the second', { resolutionMs: 1_000, last: true }, 1_000],
    ['exact', {}, 0],
  ] as const)('%s: no revoke before it is over', async (_name, { ...about }, resolutionMs) => {
    const traits = 'last' in about ? ({ useRecord: 'last-used' } as const) : {};
    const old = await worldWith({ ...about, traits }, { quietPeriodMs });
    const lastUse = useFor(old, 1_500);
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    const last = await lastUse;
    const recorded = resolutionMs === 0 ? last : Math.floor(last / resolutionMs) * resolutionMs;
    // Two clocks in two processes: a few milliseconds are nobody's.
    expect(await revokedAt()).toBeGreaterThanOrEqual(recorded + resolutionMs + quietPeriodMs - 50);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
  });

  test.each([5_000, -5_000])(
    'dependents are seen by a clock that is %d ms off, and late use is found',
    async (skewMs) => {
      world = await openWorld(quickPolicy, { skewMs });
      const { value: old } = await world.adopt();
      await world.depend('billing');
      const traffic = keepUsing(world, ['billing'], () => old);
      await world.ask('rotate');
      expect(await world.result()).toBe('succeeded');
      traffic.stop();
      expect(traffic.refused).toEqual([]);
      expect(await world.findings()).toEqual([]);
      world.issuer.use(old, { userAgent: 'laptop' });
      await eventually(async () => (await world.findings()).includes('revoked-use'));
    },
  );

  test('an issuer that cannot tell probes apart: rotor does not wait for itself', async () => {
    await worldWith({ traits: { tellsProbesApart: false } });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
  });
});

describe('disabling first', () => {
  test.each([
    ['that ends by itself', { disable: 'expires' }, {}, true],
    ['by hand, which the policy allows', { disable: 'manual' }, { allowManualDisable: true }, true],
    ['by hand, which the policy does not allow', { disable: 'manual' }, {}, false],
    ['where refusals are not seen', { disable: 'expires', seesRefusals: false }, {}, false],
    [
      'by hand where refusals are not seen, which the policy allows',
      { disable: 'manual', seesRefusals: false, useRecord: 'last-used' },
      { allowManualDisable: true },
      true,
    ],
    ['that the issuer cannot do', { disable: 'none' }, {}, false],
  ] as const)('%s', async (...row) => {
    const [, traits, policy, happens] = row;
    await worldWith({ traits }, { ...policy, disablePeriodMs: 300 });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(world.points.includes('disable:called')).toBe(happens);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
  });

  // Ahead by more than a lease: by our clock it would be over before it began.
  test.each([5_000, -5_000, 90_000])(
    'a straggler is seen by a clock that is %d ms off',
    async (skewMs) => {
      const old = await worldWith({ skewMs }, { disablePeriodMs: 700 });
      await world.ask('rotate');
      await eventually(async () => (await world.versions()).includes('v1 disabled'));
      expect(world.issuer.use(old, { userAgent: 'rarely' })).toBe(false);
      await eventually(async () => (await world.findings()).includes('straggler'));
      expect(await world.result()).toBe('succeeded');
    },
  );
});

/** It was refused, and is enabled again. */
async function neededAgain(old: string, times: number): Promise<void> {
  await eventually(() => Promise.resolve(!world.issuer.use(old, { userAgent: 'rarely' })));
  await eventually(async () => (await broughtBack()) === times);
}

async function broughtBack(): Promise<number | undefined> {
  const { rows } = await world.database.pool.query<{ brought_back: number }>(
    'select brought_back from rotor.versions where ordinal = 1',
  );
  return rows[0]?.brought_back;
}

test('twice needed again after it was disabled: a person has to look, and a retry counts anew', async () => {
  const old = await worldWith({}, { disablePeriodMs: 700 });
  const runId = await world.ask('rotate');
  for (const times of [1, 2]) {
    await eventually(async () => (await world.versions()).includes('v1 disabled'));
    await neededAgain(old, times);
  }
  await waitsFor(runId, 'straggler-persists');
  expect(world.issuer.use(old, { userAgent: 'rarely' })).toBe(true);
  await world.decide(runId, 'retry');
  expect(await world.result()).toBe('succeeded');
  expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
  expect(await broughtBack()).toBe(0);
});

describe('a version that is gone when it is needed', () => {
  test('the new one, before the old one is revoked: the old one stays, and another new one is made', async () => {
    const old = await worldWith({}, { overlapMs: 1_500 });
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'overlap');
    const [, successor] = world.issuer.live.keys();
    world.issuer.remove(String(successor));
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 ended', 'v3 active current']);
    expect(world.issuer.use(old, { userAgent: 'late' })).toBe(false);
    const held = world.connector.places.get('billing') ?? '';
    expect(world.issuer.use(held, { userAgent: 'billing' })).toBe(true);
  });

  test('the old one, before a run goes back to it: nobody is moved, and the new one is not revoked', async () => {
    await worldWith({}, { overlapMs: 60_000 });
    const [credentialId] = world.issuer.live.keys();
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'overlap');
    const held = world.connector.places.get('billing') ?? '';
    world.issuer.remove(String(credentialId));
    await world.decide(runId, 'abort');
    await waitsFor(runId, 'no-way-back');
    expect(await world.versions()).toEqual(['v1 ended', 'v2 active current']);
    expect(world.connector.places.get('billing')).toBe(held);
    expect(world.issuer.use(held, { userAgent: 'billing' })).toBe(true);
  });
});

describe('a version that ended elsewhere', () => {
  test.each([
    ['before it is disabled', { disablePeriodMs: 300 }],
    ['before it is revoked', {}],
  ])('removed by hand %s: recorded as such, with a finding', async (_when, policy) => {
    const old = await worldWith({}, { overlapMs: 1_500, ...policy });
    const [credentialId] = world.issuer.live.keys();
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'overlap');
    world.issuer.remove(String(credentialId));
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 ended', 'v2 active current']);
    expect(await world.findings()).toContain('ended-elsewhere');
    expect(world.issuer.use(old, { userAgent: 'late' })).toBe(false);
  });

  test('expired before the run: recorded as that', async () => {
    await worldWith({});
    const [credentialId] = world.issuer.live.keys();
    world.issuer.remove(String(credentialId));
    await world.database.ownerPool.query(
      `update rotor.versions set expires_at = now() - interval '1 second'`,
    );
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    const { rows } = await world.database.pool.query(
      `select state, ended_cause from rotor.versions where ordinal = 1`,
    );
    expect(rows).toEqual([{ state: 'ended', ended_cause: 'expired' }]);
  });

  test('removed before the run: it ends without a grant', async () => {
    await worldWith({});
    const [credentialId] = world.issuer.live.keys();
    world.issuer.remove(String(credentialId));
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 ended', 'v2 active current']);
    const { rows } = await world.database.pool.query('select basis from rotor.grants');
    expect(rows).toEqual([]);
  });

  test('a compromise of it contains what is left', async () => {
    await worldWith({});
    const [credentialId] = world.issuer.live.keys();
    world.issuer.remove(String(credentialId));
    await world.ask('compromise');
    expect(await world.result()).toBe('succeeded');
    expect(world.issuer.live.size).toBe(1);
  });
});
