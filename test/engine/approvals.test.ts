import { afterEach, describe, expect, test } from '@jest/globals';
import { reviewsOf } from '../../api/run-view.js';
import { secretLife } from '../../infra/registry/secret-life.js';
import { findRun, runParts } from '../../infra/registry/views.js';
import { reviewRun } from '../../infra/registry/approvals.js';
import { recordDecision } from '../../infra/registry/decisions.js';
import { retireDependent } from '../../infra/registry/dependents.js';
import { eventually } from '../faults/installation.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';
import type { ApprovalRule, Policy } from '../../domain/policy.js';

const patience = 8_000;
const rule: ApprovalRule = { kinds: ['rotate'], needed: 1, by: [], labels: {}, livesMs: 600_000 };

describe('a run whose policy asks for approval', () => {
  let world: World;
  let traffic: ReturnType<typeof keepUsing> | undefined;
  afterEach(async () => {
    traffic?.stop();
    await world.close();
  });

  async function begin(more: Partial<ApprovalRule> = {}, policy: Partial<Policy> = {}) {
    world = await openWorld({ ...quickPolicy, ...policy, approvals: [{ ...rule, ...more }] });
    const { value } = await world.adopt();
    await world.depend('billing');
    traffic = keepUsing(world, ['billing'], () => value);
    return world.ask('rotate');
  }

  const waiting = async (runId: string): Promise<string> => {
    await eventually(
      async () => (await world.run(runId))['waits_code'] === 'approval-needed',
      patience,
    );
    return String((await world.run(runId))['waits_told']);
  };

  /** Past the door: what the database itself says of it. */
  const writeApproval = (person: string) =>
    world.database.pool.query(
      `insert into rotor.approvals (run_id, plan_hash, content, approved_by, person, reason, expires_at)
       select id, plan_hash, '{}', 'x', $1, 'x', now() + interval '1 hour' from rotor.runs`,
      [person],
    );

  test('waits before anything is made, and goes on by itself once it has them', async () => {
    const runId = await begin({ needed: 2 });
    expect(await waiting(runId)).toContain(
      `2 approvals needed: rotor approve ${runId.slice(0, 8)}`,
    );
    const once = { holding: 1, needed: 2 };
    expect(await world.approve(runId, 'ada')).toEqual({ ...once, repeated: false });
    expect(await world.approve(runId, 'ada')).toEqual({ ...once, repeated: true });
    await eventually(
      async () => String((await world.run(runId))['waits_told']).startsWith('1 approval needed'),
      patience,
    );
    expect(await world.versions()).toEqual(['v1 active current']);
    expect(await world.approve(runId, 'grace')).toMatchObject({ holding: 2 });
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(traffic?.refused).toEqual([]);
  });

  test('who says that something may break does not approve it too, and the database agrees', async () => {
    const runId = await begin();
    await waiting(runId);
    await recordDecision(world.decisionParts, {
      runId,
      kind: 'accept-unseen-use',
      by: { name: 'token of bob', person: 'bob' },
      reason: 'known',
    });
    await world.tell();
    await expect(world.approve(runId, 'bob')).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(writeApproval('bob')).rejects.toThrow('nobody approves what they asked for');
    // Whoever is quicker than the run approves what it was before bob said so, and is asked again.
    await eventually(async () => {
      const { state, waits_code: code } = await world.run(runId);
      if (code === 'approval-needed') await world.approve(runId, 'grace');
      return state === 'ended';
    }, patience);
    expect(await world.result()).toBe('succeeded');
  });

  test('a dependent that goes away after the approval is not silently done without', async () => {
    world = await openWorld({ ...quickPolicy, canary: false, approvals: [rule] });
    const { value } = await world.adopt();
    for (const name of ['billing', 'monthly']) await world.depend(name);
    world.connector.places.set('monthly', value);
    traffic = keepUsing(world, ['billing'], () => value);
    const runId = await world.ask('rotate');
    await waiting(runId);
    await world.approve(runId, 'ada');
    await eventually(
      () => Promise.resolve(world.connector.places.get('monthly') !== value),
      patience,
    );
    await retireDependent(world.withholdingParts, {
      organization: 'acme',
      dependent: 'monthly',
      by: 'requester',
    });
    await world.tell();
    expect(await waiting(runId)).toContain(
      'since ada approved, it no longer waits for 1 dependent',
    );
    // Whatever it did before it was told, the old value is where it stops.
    expect(world.issuer.use(value, { userAgent: 'billing' })).toBe(true);
    await world.approve(runId, 'ada');
    expect(await world.result()).toBe('succeeded');
  });

  test('approvals that are asked for while a run is open hold it, and it says so', async () => {
    world = await openWorld({ ...quickPolicy, quietPeriodMs: 600_000 });
    const { value } = await world.adopt();
    await world.depend('billing');
    traffic = keepUsing(world, ['billing'], () => value);
    const runId = await world.ask('rotate');
    await eventually(async () => (await world.versions()).includes('v2 active current'), patience);
    const policy: Policy = { ...quickPolicy, approvals: [rule] };
    await world.database.ownerPool.query('update rotor.policies set policy = $1', [policy]);
    await world.tell();
    expect(await waiting(runId)).toContain('1 approval needed');
    await world.approve(runId, 'ada');
    expect(await world.result()).toBe('succeeded');
  });

  test('a policy that is changed after the approval is not gone by before somebody approves it', async () => {
    const runId = await begin({}, { quietPeriodMs: 600_000 });
    await waiting(runId);
    await world.approve(runId, 'ada');
    await eventually(async () => (await world.versions()).includes('v2 active current'), patience);
    const policy: Policy = { ...quickPolicy, approvals: [rule] };
    await world.database.ownerPool.query(
      'update rotor.policies set policy = $1, revision = revision + 1',
      [policy],
    );
    await world.tell();
    expect(await waiting(runId)).toContain('since ada approved, the policy changed');
    expect((await world.versions())[0]).toMatch(/^v1 (active|retiring)$/);
    await world.approve(runId, 'ada');
    expect(await world.result()).toBe('succeeded');
  });

  /** All of them wait for the secret before any of them goes on. */
  async function atOnce(calls: readonly (() => Promise<void>)[]) {
    const { ownerPool } = world.database;
    const holder = await ownerPool.connect();
    await holder.query('begin');
    await holder.query('select 1 from rotor.secrets for update');
    const answers = Promise.allSettled(calls.map((call) => call()));
    await eventually(async () => {
      const { rows } = await ownerPool.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      return rows.length >= calls.length;
    }, patience);
    await holder.query('commit');
    holder.release();
    return answers;
  }

  test('nobody approves their own request, under whichever token', async () => {
    const runId = await begin();
    await waiting(runId);
    await expect(world.approve(runId, 'requester')).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(writeApproval('requester')).rejects.toThrow('nobody approves what they asked for');
  });

  test('nobody approves a run that they joined, and an outage that is accepted later is asked for again', async () => {
    const runId = await begin({}, { quietPeriodMs: 600_000 });
    await waiting(runId);
    expect(await world.ask('rotate', {}, 'joiner')).toBe(runId);
    await expect(world.approve(runId, 'joiner')).rejects.toMatchObject({ code: 'not-allowed' });
    await world.approve(runId, 'ada');
    await eventually(
      async () => (await world.run(runId))['waits_code'] === 'version-in-use',
      patience,
    );
    await world.decide(runId, 'accept-outage', { dependents: ['billing'], sources: [] });
    expect(await waiting(runId)).toContain('it may break billing');
    await world.approve(runId, 'ada');
    expect(await world.result()).toBe('succeeded');
  });

  test('only who is named approves', async () => {
    const runId = await begin({ by: ['grace'] });
    expect(await waiting(runId)).toContain('of grace');
    await expect(world.approve(runId, 'ada')).rejects.toMatchObject({ code: 'not-allowed' });
    await world.approve(runId, 'grace');
    expect(await world.result()).toBe('succeeded');
  });

  test('an approval that has expired does not count, and another plan cannot be approved', async () => {
    const runId = await begin({ livesMs: 1 });
    await waiting(runId);
    await world.approve(runId, 'ada');
    await world.approve(runId, 'ada');
    const { rows } = await world.database.pool.query('select person from rotor.approvals');
    expect(rows).toEqual([{ person: 'ada' }, { person: 'ada' }]);
    await expect(world.approve(runId, 'grace', 'a'.repeat(8))).rejects.toMatchObject({
      code: 'plan-changed',
    });
    expect((await world.run(runId))['waits_code']).toBe('approval-needed');
    expect(await world.versions()).toEqual(['v1 active current']);
  });

  test('somebody declared before it is approved is part of what is approved', async () => {
    const runId = await begin();
    await waiting(runId);
    const shown = String((await world.run(runId))['plan_hash']);
    await world.depend('late');
    await world.tell();
    await eventually(async () => (await world.run(runId))['plan_hash'] !== shown, patience);
    await expect(world.approve(runId, 'ada', shown)).rejects.toMatchObject({
      code: 'plan-changed',
    });
    await world.approve(runId, 'ada');
    traffic?.stop();
    traffic = keepUsing(world, ['billing', 'late'], () => undefined);
    expect(await world.result()).toBe('succeeded');
  });

  test('somebody declared later is asked for again, and what changed is said', async () => {
    const runId = await begin({}, { quietPeriodMs: 1_500 });
    await waiting(runId);
    await world.approve(runId, 'ada');
    await eventually(async () => (await world.versions())[1] === 'v2 active current', patience);
    expect((await world.run(runId))['waits_code']).not.toBe('approval-needed');
    await world.depend('late');
    await world.tell();
    expect(await waiting(runId)).toContain('since ada approved, it also moves late');
    expect(await world.versions()).toEqual(['v1 retiring', 'v2 active current']);
    await world.approve(runId, 'grace');
    traffic?.stop();
    traffic = keepUsing(world, ['billing', 'late'], () => undefined);
    expect(await world.result()).toBe('succeeded');
  });

  test('a compromise waits for nobody, and is to be reviewed', async () => {
    const runId = await begin();
    await waiting(runId);
    const [contained, joined] = await Promise.all([
      world.ask('compromise'),
      world.ask('compromise', {}, 'joiner'),
    ]);
    expect(joined).toBe(contained);
    expect(await world.result()).toBe('succeeded');
    expect((await world.versions())[0]).toBe('v1 revoked');
    const review = (person: string) =>
      reviewRun(world.decisionParts, {
        runId: contained,
        by: { name: person, person, holder: 'person', organization: undefined, role: 'approver' },
        reason: 'looked at it',
      });
    for (const person of ['requester', 'joiner'])
      await expect(review(person)).rejects.toMatchObject({ code: 'not-allowed' });
    expect(await world.findings()).toContain('unreviewed-break-glass');
    const reviewers = ['ada', 'grace'];
    const both = await atOnce(reviewers.map((person) => () => review(person)));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'review-not-needed' },
    });
    expect(await world.findings()).not.toContain('unreviewed-break-glass');
    const { pool } = world.database;
    const person = reviewers.find((_, index) => both[index]?.status === 'fulfilled');
    const reviewed = [{ person, reason: 'looked at it' }];
    expect(reviewsOf(await runParts(pool, contained))).toMatchObject(reviewed);
    await world.database.ownerPool.query(`update rotor.dependents set owner = 'its own team'`);
    expect(await secretLife(pool, { id: world.secretId })).toMatchObject({
      reviews: reviewed,
      dependents: [{ owner: 'its own team' }],
    });
    expect(await findRun(pool, runId)).toMatchObject({ supersededBy: contained });
  });
});
