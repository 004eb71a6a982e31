import { afterEach, describe, expect, test } from '@jest/globals';
import type { Policy } from '../../domain/policy.js';
import { eventually } from '../faults/installation.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

const patience = 15_000;
const noApproval = { kinds: ['rotate' as const], needed: 1, by: [], labels: {}, livesMs: 600_000 };
const frozen = {
  zone: 'UTC',
  windows: [],
  blackouts: [{ from: '2000-01-01', to: '2999-12-31', reason: 'freeze' }],
};

let world: World;
let traffic: ReturnType<typeof keepUsing> | undefined;
afterEach(async () => {
  traffic?.stop();
  await world.close();
});

interface Situation {
  readonly name: string;
  readonly policy?: Partial<Policy>;
  /** Programs that use the old value until they are given a new one. */
  readonly users?: readonly string[];
  readonly evidence?: 'observed' | 'read-back';
  readonly before?: () => void;
  /** From the rotation's start to where it is taken over. */
  readonly reach: (runId: string) => Promise<unknown>;
}

const waits = (code: string) => (runId: string) =>
  eventually(async () => (await world.run(runId))['waits_code'] === code, patience);
const has = (version: string) => () =>
  eventually(async () => (await world.versions()).includes(version), patience);
const reached = (point: string) => () =>
  eventually(() => Promise.resolve(world.points.includes(point)), patience);

const minting: Situation = {
  name: 'create, while the issuer is asked to mint',
  reach: async () => {
    world.issuer.trouble.slowMs = 400;
    await has('v2 pending')();
    world.issuer.trouble.slowMs = 0;
  },
};

/** A rotation at each of its steps: under way, waiting, blocked, paused. */
const situations: readonly Situation[] = [
  {
    name: 'approve, waiting for people',
    policy: { approvals: [noApproval] },
    reach: waits('approval-needed'),
  },
  {
    name: 'window, waiting for time',
    policy: { maintenance: frozen },
    reach: waits('outside-window'),
  },
  minting,
  {
    name: 'create, while the issuer is away',
    before: () => {
      world.issuer.trouble.down = 1_000;
    },
    reach: async () => {
      await has('v2 pending')();
      world.issuer.trouble.down = 3;
    },
  },
  { name: 'update, right after a destination was leased', reach: reached('update:leased') },
  {
    name: 'update, waiting for a proof that does not come',
    policy: { timeouts: { ...quickPolicy.timeouts, proveMs: 600_000 }, canary: false },
    users: [],
    reach: reached('update:delivered'),
  },
  {
    name: 'update, blocked since a dependent proved nothing',
    policy: { timeouts: { ...quickPolicy.timeouts, proveMs: 100 }, canary: false },
    users: [],
    reach: waits('dependent-not-proven'),
  },
  {
    name: 'update, paused',
    policy: { timeouts: { ...quickPolicy.timeouts, proveMs: 100 }, canary: false },
    users: [],
    reach: async (runId) => {
      await waits('dependent-not-proven')(runId);
      await world.decide(runId, 'pause');
      await waits('paused')(runId);
    },
  },
  {
    name: 'verify, waiting for silence',
    policy: { quietPeriodMs: 600_000 },
    reach: waits('version-in-use'),
  },
  {
    name: 'verify, blocked by somebody undeclared',
    users: ['billing', 'script'],
    reach: waits('undeclared-use'),
  },
  {
    name: 'disable, while the old version is refused reversibly',
    policy: { disablePeriodMs: 600_000 },
    evidence: 'read-back',
    users: [],
    reach: has('v1 disabled'),
  },
  {
    name: 'on the way back',
    policy: { timeouts: { ...quickPolicy.timeouts, proveMs: 600_000 }, canary: false },
    users: [],
    reach: async (runId) => {
      await reached('update:delivered')();
      await world.decide(runId, 'abort');
    },
  },
];

async function begin({
  policy = {},
  users = ['billing'],
  evidence,
  before,
}: Situation): Promise<{ readonly runId: string; readonly old: string }> {
  world = await openWorld({ ...quickPolicy, ...policy });
  const { value } = await world.adopt();
  await world.depend('billing', { evidence });
  traffic = keepUsing(world, users, () => value);
  before?.();
  return { runId: await world.ask('rotate'), old: value };
}

/** However it was taken over: one version lives, everybody has it, and nothing else is left at the issuer. */
async function expectContained(rotation: string, compromise: string, old: string): Promise<void> {
  traffic?.stop();
  traffic = keepUsing(world, ['billing'], () => undefined);
  await eventually(async () => (await world.run(compromise))['outcome'] === 'succeeded');
  expect((await world.run(rotation))['state']).toBe('ended');
  expect(world.issuer.use(old, { userAgent: 'leaked' })).toBe(false);
  expect(world.issuer.live.size).toBe(1);
  const states = (await world.versions()).map((text) => text.replace(/^v\d+ /, ''));
  expect(states.filter((state) => state === 'active current')).toHaveLength(1);
  expect(states.filter((state) => !/^(revoked|ended|active current)$/.test(state))).toEqual([]);
  const held = world.connector.places.get('billing') ?? '';
  expect(world.issuer.use(held, { userAgent: 'billing' })).toBe(true);
  expect((await world.audit.verify(world.database.pool)).faults).toEqual([]);
}

describe('a compromise takes a rotation over', () => {
  test.each(situations)('$name', async (situation) => {
    const { runId, old } = await begin(situation);
    await situation.reach(runId);
    await expectContained(runId, await world.ask('compromise'), old);
    expect(await world.run(runId)).toMatchObject({ outcome: 'superseded' });
  });

  test.each(situations.filter(({ name }) => /mint|leased|silence|refused rev/.test(name)))(
    'whose worker is gone: $name',
    async (situation) => {
      const { runId, old } = await begin(situation);
      await situation.reach(runId);
      let compromise = '';
      await world.withoutWorker(async () => {
        compromise = await world.ask('compromise');
      });
      await expectContained(runId, compromise, old);
    },
  );

  test.each(situations.filter(({ name }) => /people|proof|undeclared/.test(name)))(
    'whose workflow was terminated: $name',
    async (situation) => {
      const { runId, old } = await begin(situation);
      await situation.reach(runId);
      await world.terminate();
      await expectContained(runId, await world.ask('compromise'), old);
    },
  );
});

async function versionIds(): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ id: string }>('select id from rotor.versions');
  return rows.map(({ id }) => id);
}

test.each([
  ['every version', () => Promise.resolve({ everyVersion: true })],
  ['these versions', async () => ({ versionIds: await versionIds() })],
] as const)(
  'what a rotation mints while a compromise of %s takes it over ends, too',
  async (_, options) => {
    const { runId, old } = await begin(minting);
    await minting.reach(runId);
    await expectContained(runId, await world.ask('compromise', await options()), old);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 revoked', 'v3 active current']);
  },
);

test('two compromises and two rotations in the same second: one run contains, and everybody is told which', async () => {
  world = await openWorld();
  const { value: old } = await world.adopt();
  await world.depend('billing');
  traffic = keepUsing(world, ['billing'], () => old);
  const asked = await Promise.all([
    world.ask('rotate'),
    world.ask('compromise'),
    world.ask('rotate'),
    world.ask('compromise'),
  ]);
  const kinds = await Promise.all(asked.map(async (id) => (await world.run(id))['kind']));
  const [contains = '', ...others] = new Set(asked.filter((_, at) => kinds[at] === 'compromise'));
  expect(others).toEqual([]);
  const rotation = asked.find((id) => id !== contains);
  await expectContained(rotation ?? contains, contains, old);
  const { rows } = await world.database.pool.query<{ outcome: string }>(
    'select outcome from rotor.runs order by requested_at',
  );
  expect(rows.map(({ outcome }) => outcome)).toEqual(
    rotation === undefined ? ['succeeded'] : ['superseded', 'succeeded'],
  );
  // What the rotation had made is kept or ended, and the compromise makes one at most.
  expect((await world.versions()).length).toBeLessThanOrEqual(3);
});
