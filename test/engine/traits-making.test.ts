import { afterEach, describe, expect, test } from '@jest/globals';
import { AdapterError } from '../../domain/errors.js';
import { eventually } from '../faults/installation.js';
import type { TestIssuerOptions } from '../issuers/test-issuer.js';
import { openWorld, quickPolicy, type World } from './world.js';

let world: World;
afterEach(() => world.close());

/** One dependent that is proven by reading back, and one version that is older than rotor. */
async function worldWith(about: TestIssuerOptions): Promise<string> {
  world = await openWorld(quickPolicy, about);
  const { value } = await world.adopt();
  await world.depend('billing', { evidence: 'read-back' });
  world.connector.places.set('billing', value);
  return value;
}

async function waitsFor(runId: string, code: string): Promise<void> {
  await eventually(async () => (await world.run(runId))['waits_code'] === code);
}

/** What lives at the issuer is what the registry says. */
async function expectNoOrphans(): Promise<void> {
  const { rows } = await world.database.pool.query<{ credential_id: string }>(
    `select credential_id from rotor.versions where state not in ('revoked', 'ended') and credential_id is not null`,
  );
  const known = rows.map(({ credential_id }) => credential_id).sort();
  expect([...world.issuer.live.keys()].sort()).toEqual(known);
}

const ours = { valueChosenBy: 'ours' } as const;
const untagged = { tag: 'none' } as const;
const none = { overlap: { kind: 'none' }, ...ours } as const;

describe('a mint whose answer is lost', () => {
  const adopted = ['v1 revoked', 'v2 active current'];
  const replaced = ['v1 revoked', 'v2 revoked', 'v3 active current'];
  test.each([
    ['a value of ours is adopted', ours, adopted],
    ['a value of theirs is gone: that credential ends, the next is made', {}, replaced],
    ['without a tag, a value of ours is adopted', { ...ours, ...untagged }, adopted],
    ['without a tag, it is found by what was there before', untagged, replaced],
    ['a slow listing is waited for', { ...ours, propagationMs: 300 }, adopted],
    ['a slow listing is waited for, a value of theirs too', { propagationMs: 300 }, replaced],
    ['of two slots it takes one', { overlap: { kind: 'slots', slots: 3 }, ...ours }, adopted],
    ['with a value of ours, no list is needed', { ...ours, lists: false }, adopted],
  ] as const)('%s', async (_name, traits, versions) => {
    await worldWith({ traits });
    world.issuer.trouble.lostMints = 1;
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(versions);
    await expectNoOrphans();
  });

  test.each([
    ['asked again where a change takes a while', 300, 0],
    ['believed at once where it holds at once', 0, 1],
  ])('one yes to a new credential is %s', async (_name, propagationMs, left) => {
    await worldWith({ traits: { propagationMs } });
    world.issuer.trouble.staleSeconds = 1;
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(world.issuer.trouble.staleSeconds).toBe(left);
    await expectNoOrphans();
  });

  test('three times in a row blocks the run, and leaves nothing behind', async () => {
    await worldWith({});
    world.issuer.trouble.lostMints = 99;
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'value-lost');
    await expectNoOrphans();
    expect(world.issuer.live.size).toBe(1);
    world.issuer.trouble.lostMints = 0;
    await world.decide(runId, 'retry');
    expect(await world.result()).toBe('succeeded');
    await expectNoOrphans();
  });

  test('two new ones without a tag: a person has to say which', async () => {
    await worldWith({ traits: untagged });
    world.issuer.trouble.lostMints = 1;
    world.issuer.trouble.rivals = 1;
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'credential-ambiguous');
    expect(world.issuer.live.size).toBe(3);
    expect(await world.findings()).toEqual(['orphan-credential']);
    const both = [...world.issuer.live.keys()].slice(1);
    await world.decide(runId, 'retry');
    expect(await world.result()).toBe('succeeded');
    for (const credentialId of both) expect(world.issuer.live.has(credentialId)).toBe(true);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
  });

  test("without a tag, a value of ours is not taken for somebody else's that came meanwhile", async () => {
    await worldWith({ traits: { ...ours, ...untagged } });
    Object.assign(world.issuer.trouble, { vanishedMints: 1, rivals: 1 });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect([...world.issuer.live.values()].map(({ value }) => value.split('-')[0])).toContain(
      'rival',
    );
  });

  test('of an issuer that neither lists nor takes our value is never repeated blindly', async () => {
    await worldWith({ traits: { lists: false } });
    world.issuer.trouble.lostMints = 1;
    await waitsFor(await world.ask('rotate'), 'credential-ambiguous');
    expect(world.issuer.live.size).toBe(2);
  });
});

describe('slots', () => {
  const slots = { kind: 'slots', slots: 2 } as const;
  const displaces = { kind: 'displaces-oldest', slots: 2 } as const;

  const foreignFirst = true;

  test.each([
    { what: 'a foreign credential takes one', overlap: slots, code: 'no-free-slot' },
    {
      what: 'a mint would kill the version in service',
      overlap: displaces,
      code: 'breaks-dependents',
    },
    {
      what: 'a mint would kill what rotor does not know',
      overlap: displaces,
      code: 'no-free-slot',
      foreignFirst,
    },
  ])('$what: nothing is made', async ({ overlap, code, foreignFirst: first }) => {
    world = await openWorld(quickPolicy, { traits: { overlap } });
    const early = first ? world.issuer.plant('other/one') : undefined;
    const pause = new Promise((resolve) => setTimeout(resolve, 5));
    await pause;
    const { value: old } = await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    world.connector.places.set('billing', old);
    await pause;
    const foreign = early ?? world.issuer.plant('other/one');
    const runId = await world.ask('rotate');
    await waitsFor(runId, code);
    const named = code === 'no-free-slot' ? foreign : 'billing';
    expect(String((await world.run(runId))['waits_told'])).toContain(named);
    expect(world.issuer.use(old, { userAgent: 'billing' })).toBe(true);
    world.issuer.remove(foreign);
    await world.decide(runId, 'retry');
    expect(await world.result()).toBe('succeeded');
    await expectNoOrphans();
  });
});

describe('a mint that would kill a version that rotor knows', () => {
  const overlap = { kind: 'displaces-oldest', slots: 2 } as const;

  async function withLeftover(): Promise<string> {
    world = await openWorld(quickPolicy, { traits: { overlap } });
    const leftover = await world.adopt({ current: false });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { value } = await world.adopt({ ordinal: 2 });
    await world.depend('billing', { evidence: 'read-back' });
    world.connector.places.set('billing', value);
    return leftover.value;
  }

  test('is a revocation: proven unused, it is granted, made, and on record', async () => {
    const leftover = await withLeftover();
    world.issuer.trouble.lostMints = 1;
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    const [displaced, ...others] = await world.versions();
    expect(displaced).toBe('v1 revoked');
    expect(others.at(-1)).toMatch(/active current$/);
    expect(world.issuer.use(leftover, { userAgent: 'late' })).toBe(false);
    const { rows } = await world.database.pool.query<{ basis: string }>(
      `select g.basis from rotor.versions v join rotor.grants g on g.id = v.grant_id where v.ordinal = 1`,
    );
    expect(rows).toEqual([{ basis: 'proven-unused' }]);
    await expectNoOrphans();
  });

  test('is not made while somebody uses that version', async () => {
    const leftover = await withLeftover();
    const using = setInterval(() => world.issuer.use(leftover, { userAgent: 'billing' }), 20);
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'breaks-dependents');
    expect(world.issuer.live.size).toBe(2);
    expect(world.issuer.use(leftover, { userAgent: 'billing' })).toBe(true);
    clearInterval(using);
    expect(await world.result()).toBe('succeeded');
    await expectNoOrphans();
  });
});

describe('one value at a time', () => {
  test.each([
    ['tagged', none],
    ['without a tag', { ...none, ...untagged }],
  ] as const)(
    '%s: nothing is cut over before its outage is accepted by name',
    async (_n, traits) => {
      const old = await worldWith({ traits });
      const runId = await world.ask('rotate');
      await waitsFor(runId, 'dependents-not-moved');
      expect(world.issuer.use(old, { userAgent: 'billing' })).toBe(true);
      await world.decide(runId, 'abort');
      expect(await world.result()).toBe('rolled-back');
      expect(world.issuer.use(old, { userAgent: 'billing' })).toBe(true);
    },
  );

  test.each([
    ['tagged', none],
    ['without a tag', { ...none, ...untagged }],
  ] as const)('%s: accepted, the old value is refused and everybody moves', async (_n, traits) => {
    const old = await worldWith({ traits });
    world.issuer.trouble.lostMints = 1;
    const acceptedOutage = { by: 'test', reason: 'test', dependents: ['billing'], sources: [] };
    await world.ask('rotate', { acceptedOutage });
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(world.issuer.use(old, { userAgent: 'late' })).toBe(false);
    const held = world.connector.places.get('billing') ?? '';
    expect(world.issuer.use(held, { userAgent: 'billing' })).toBe(true);
    await expectNoOrphans();
  });

  test('a compromise cuts over at once', async () => {
    const old = await worldWith({ traits: none });
    await world.ask('compromise');
    expect(await world.result()).toBe('succeeded');
    expect(world.issuer.use(old, { userAgent: 'late' })).toBe(false);
    await expectNoOrphans();
  });
});

describe('an answer that is not what was ordered', () => {
  test('wrong rights end at once and block; put right, the next one is made', async () => {
    await worldWith({ rights: { role: 'Owner' } });
    await world.specify({ role: 'Viewer' });
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'wrong-rights');
    expect(String((await world.run(runId))['waits_told'])).not.toContain('Owner');
    expect(world.issuer.live.size).toBe(1);
    await expectNoOrphans();
    await world.specify({});
    await world.decide(runId, 'retry');
    expect(await world.result()).toBe('succeeded');
    await expectNoOrphans();
  });

  test('wrong rights, and the run may be aborted: only what it made itself was revoked', async () => {
    await worldWith({ rights: { role: 'Owner' } });
    await world.specify({ role: 'Viewer' });
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'wrong-rights');
    await world.decide(runId, 'abort');
    expect(await world.result()).toBe('rolled-back');
    expect((await world.versions())[0]).toBe('v1 active current');
    await expectNoOrphans();
  });

  test('a run that is aborted before the answer came ends what may have been made', async () => {
    await worldWith({ traits: { valueChosenBy: 'ours' } });
    world.issuer.trouble.lostMints = 1;
    const runId = await world.ask('rotate');
    await eventually(() => Promise.resolve(world.issuer.trouble.lostMints === 0));
    world.issuer.trouble.down = 3;
    await world.decide(runId, 'abort');
    expect(await world.result()).toBe('rolled-back');
    expect(world.issuer.live.size).toBe(1);
    await expectNoOrphans();
  });

  test('a run that is aborted while the issuer was never reached ends a version that was never minted', async () => {
    await worldWith({ traits: { valueChosenBy: 'ours' } });
    world.issuer.trouble.down = Number.POSITIVE_INFINITY;
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'retrying');
    await world.decide(runId, 'abort');
    world.issuer.trouble.down = 0;
    expect(await world.result()).toBe('rolled-back');
    expect(await world.versions()).toEqual(['v1 active current', 'v2 ended']);
    expect(world.store.values.size).toBe(1);
    await expectNoOrphans();
  });

  test('without a tag, what somebody else made meanwhile is not ended with it', async () => {
    await worldWith({ traits: { ...ours, ...untagged } });
    Object.assign(world.issuer.trouble, { vanishedMints: 1, rivals: 1 });
    const runId = await world.ask('rotate');
    await eventually(() => Promise.resolve(world.issuer.trouble.vanishedMints === 0));
    world.issuer.trouble.down = 3;
    await world.decide(runId, 'abort');
    expect(await world.result()).toBe('rolled-back');
    expect([...world.issuer.live.values()].map(({ value }) => value.split('-')[0])).toContain(
      'rival',
    );
    expect(world.issuer.live.size).toBe(2);
  });

  test('a compromise of every version ends what a mint without an answer has made', async () => {
    await worldWith({ traits: { valueChosenBy: 'ours' } });
    world.issuer.trouble.lostMints = 1;
    await world.ask('rotate');
    await eventually(() => Promise.resolve(world.issuer.trouble.lostMints === 0));
    await world.ask('compromise', { everyVersion: true });
    expect(await world.result()).toBe('succeeded');
    const live = (await world.versions()).filter((version) => !version.endsWith('revoked'));
    expect(live).toHaveLength(1);
    expect(world.issuer.live.size).toBe(1);
    await expectNoOrphans();
  });

  test('a store that fails is what is said to have failed, and put right, the run goes on', async () => {
    await worldWith({});
    const { put } = world.store;
    world.store.put = () =>
      Promise.reject(new AdapterError('unreadable', 'there is no folder of values'));
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'store-failed');
    expect((await world.run(runId))['waits_told']).toBe(
      'the store of values: there is no folder of values (unreadable)',
    );
    world.store.put = put;
    await world.decide(runId, 'retry');
    expect(await world.result()).toBe('succeeded');
    await expectNoOrphans();
  });

  test("somebody else's credential is never adopted, nor ended", async () => {
    await worldWith({});
    const foreign = world.issuer.plant('other/one');
    world.issuer.trouble.answersWith = foreign;
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'issuer-failed');
    world.issuer.trouble.answersWith = undefined;
    await world.decide(runId, 'retry');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(world.issuer.live.has(foreign)).toBe(true);
    expect(world.issuer.live.size).toBe(2);
  });
});

describe('a listing that lags more than its traits admit', () => {
  test('is waited for: an answered mint is never repeated', async () => {
    await worldWith({ listsAfterMs: 1_500 });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(world.points.filter((point) => point === 'create:minted')).toHaveLength(1);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    await expectNoOrphans();
  });

  test('and a lost answer: of two credentials with our tag the sealed one is kept, the other ends, and both are on record', async () => {
    await worldWith({ listsAfterMs: 2_000 });
    world.issuer.trouble.lostMints = 1;
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current', 'v3 revoked']);
    expect(await world.findings()).toContain('orphan-credential');
    await expectNoOrphans();
  });
});

describe('an issuer in trouble', () => {
  test.each([
    ['down', { down: 4 }],
    ['asking to come back later', { busy: 4 }],
    ['slow', { slowMs: 100 }],
    ['losing the answer to a revoke', { lostRevokes: 1 }],
  ])('%s: the run completes', async (_name, trouble) => {
    await worldWith({});
    Object.assign(world.issuer.trouble, trouble);
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    await expectNoOrphans();
  });

  test('the run says what it is waiting for, for as long as it does', async () => {
    await worldWith({});
    world.issuer.trouble.down = Number.POSITIVE_INFINITY;
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'retrying');
    expect(String((await world.run(runId))['waits_told'])).toContain('cannot be reached');
    world.issuer.trouble.down = 0;
    await eventually(async () => (await world.run(runId))['waits_code'] !== 'retrying');
    expect(await world.result()).toBe('succeeded');
  });
});
