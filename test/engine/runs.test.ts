import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { AdapterError, RotorError } from '../../domain/errors.js';
import { recordDecision } from '../../infra/registry/decisions.js';
import { submit } from '../../infra/registry/requests.js';
import { eventually } from '../faults/installation.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

let world: World;
afterEach(() => world.close());

async function waitsFor(runId: string, code: string): Promise<void> {
  await eventually(async () => (await world.run(runId))['waits_code'] === code);
}

function request(key: string, kind: 'rotate' | 'compromise' | 'revoke', reason = 'test') {
  return {
    organization: 'acme',
    secret: 'api',
    kind,
    requestedBy: 'test',
    reason,
    options: { noDependentsKnown: true },
    idempotencyKey: key,
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'nothing was thrown';
  } catch (error) {
    return error instanceof RotorError ? error.code : String(error);
  }
}

describe('what nobody declared', () => {
  test('blocks the revoke and is named; declared meanwhile, it moves in an extra wave and the run goes on', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    const traffic = keepUsing(world, ['billing', 'script'], () => old);
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'undeclared-use');
    expect(String((await world.run(runId))['waits_told'])).toContain('script');
    const before = Number((await world.run(runId))['plan_revision']);
    await world.depend('script');
    await world.tell();
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
    expect(Number((await world.run(runId))['plan_revision'])).toBeGreaterThan(before);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(traffic.refused).toEqual([]);
  });

  test('may break where its source was accepted, and nobody else may', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    const use = (userAgent: string) => world.issuer.use(old, { address: '10.0.0.7', userAgent });
    let others = true;
    const using = setInterval(() => use('script') && others && use('another'), 20);
    const sources = [{ userAgent: 'script' }];
    const acceptedOutage = { by: 'test', reason: 'test', dependents: [], sources };
    const runId = await world.ask('rotate', { acceptedOutage });
    await waitsFor(runId, 'undeclared-use');
    const told = String((await world.run(runId))['waits_told']);
    expect([told.includes('another'), told.includes('script')]).toEqual([true, false]);
    others = false;
    expect(await world.result()).toBe('succeeded');
    expect(use('script')).toBe(false);
    clearInterval(using);
    const { rows } = await world.database.pool.query<{ basis: string }>(
      'select basis from rotor.grants where called_at is not null',
    );
    expect(rows).toEqual([{ basis: 'accepted-outage' }]);
  });

  test('a late use of the revoked value becomes a finding', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    world.issuer.use(old, { userAgent: 'laptop' });
    await eventually(async () => (await world.findings()).includes('revoked-use'));
  });
});

describe('a dependent that picks up and falls back', () => {
  test('holds the revoke for as long as it uses the old version', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    const traffic = keepUsing(world, ['billing'], () => old);
    const back = setInterval(() => world.issuer.use(old, { userAgent: 'billing' }), 30);
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'version-in-use');
    clearInterval(back);
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
  });
});

describe('a canary that never proves itself', () => {
  test('turns the run around while it is the only one that was touched', async () => {
    world = await openWorld({
      ...quickPolicy,
      timeouts: { ...quickPolicy.timeouts, proveMs: 300 },
    });
    const { value: old } = await world.adopt();
    await world.depend('a-canary');
    await world.depend('billing');
    world.connector.places.set('a-canary', old);
    world.connector.places.set('billing', old);
    const traffic = keepUsing(world, ['billing'], () => old);
    const runId = await world.ask('rotate');
    expect(await world.result()).toBe('rolled-back');
    traffic.stop();
    expect(await world.versions()).toEqual(['v1 active current', 'v2 revoked']);
    expect(world.connector.places.get('a-canary')).toBe(old);
    expect(await world.run(runId)).toMatchObject({ outcome: 'rolled-back' });
  });
});

describe('decisions', () => {
  test('abort rolls back what was moved, and ends the successor', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    world.connector.places.set('billing', old);
    const traffic = keepUsing(world, ['billing', 'script'], () => old);
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'undeclared-use');
    await world.decide(runId, 'abort');
    expect(await world.result()).toBe('rolled-back');
    traffic.stop();
    expect(await world.versions()).toEqual(['v1 active current', 'v2 revoked']);
    expect(world.connector.places.get('billing')).toBe(old);
    expect(traffic.refused).toEqual([]);
  });

  test('abort gives everybody the value back that rotor itself had delivered before', async () => {
    world = await openWorld();
    await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    const second = world.connector.places.get('billing') ?? '';
    const traffic = keepUsing(world, ['script'], () => second);
    await eventually(() => Promise.resolve(world.issuer.use(second, { userAgent: 'script' })));
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'undeclared-use');
    expect(world.connector.places.get('billing')).not.toBe(second);
    await world.decide(runId, 'abort');
    await eventually(async () => (await world.run(runId))['outcome'] === 'rolled-back');
    traffic.stop();
    expect(world.connector.places.get('billing')).toBe(second);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current', 'v3 revoked']);
    expect(world.issuer.use(second, { userAgent: 'billing' })).toBe(true);
  });

  test('pause holds a run, resume lets it go on', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    const traffic = keepUsing(world, ['billing', 'script'], () => old);
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'undeclared-use');
    await world.decide(runId, 'pause');
    await waitsFor(runId, 'paused');
    await world.depend('script');
    await world.decide(runId, 'resume');
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
  });

  test('what decides nothing is refused, and a run that only waits in the queue ends at once', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    const traffic = keepUsing(world, ['billing', 'script'], () => old);
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'undeclared-use');
    const decide = (id: string, kind: 'pause' | 'resume' | 'abort' | 'roll-back') =>
      codeOf(world.decide(id, kind));
    expect(await decide(runId, 'resume')).toBe('not-paused');
    expect(await decide(runId, 'pause')).toBe('nothing was thrown');
    expect(await decide(runId, 'pause')).toBe('paused-already');
    const queued = await world.ask('decommission');
    expect(await world.run(queued)).toMatchObject({ state: 'queued' });
    expect(await decide(queued, 'abort')).toBe('nothing was thrown');
    expect(await world.run(queued)).toMatchObject({
      state: 'ended',
      outcome: 'rolled-back',
      end_untold: true,
    });
    expect(await decide(runId, 'abort')).toBe('nothing was thrown');
    expect(await decide(runId, 'roll-back')).toBe('turned-already');
    await eventually(async () => (await world.run(runId))['outcome'] === 'rolled-back');
    traffic.stop();
  });

  test('pause makes a disabled version work again first, and resume disables it again', async () => {
    world = await openWorld({ ...quickPolicy, disablePeriodMs: 700 });
    const { value: old } = await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    const runId = await world.ask('rotate');
    await eventually(async () => (await world.versions()).includes('v1 disabled'));
    await world.decide(runId, 'pause');
    await waitsFor(runId, 'paused');
    expect(world.issuer.use(old, { userAgent: 'billing' })).toBe(true);
    expect((await world.versions())[0]).toBe('v1 retiring');
    await world.decide(runId, 'resume');
    expect(await world.result()).toBe('succeeded');
    expect(world.issuer.use(old, { userAgent: 'late' })).toBe(false);
    expect((await world.audit.verify(world.database.pool)).faults).toEqual([]);
  });

  test('a skipped dependent breaks: accepted by name, and a stranger after it, the run goes on by itself', async () => {
    world = await openWorld({
      ...quickPolicy,
      canary: false,
      timeouts: { ...quickPolicy.timeouts, proveMs: 100 },
    });
    const { value: old } = await world.adopt();
    await world.depend('billing');
    await world.depend('dead');
    const traffic = keepUsing(world, ['billing', 'script'], () => old);
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'dependent-not-proven');
    await world.decide(runId, 'skip', 'dead');
    await waitsFor(runId, 'dependents-not-moved');
    const command = `rotor decide ${runId.slice(0, 8)} accept-outage --dependent`;
    expect(String((await world.run(runId))['waits_told'])).toContain(command);
    await world.decide(runId, 'accept-outage', { dependents: ['dead'], sources: [] });
    await waitsFor(runId, 'undeclared-use');
    const sources = [{ userAgent: 'script' }];
    await world.decide(runId, 'accept-outage', { dependents: [], sources });
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    const { rows } = await world.database.pool.query<{ basis: string; because: unknown }>(
      'select basis, because from rotor.grants where called_at is not null',
    );
    const said = { by: 'test', reason: 'test' };
    const acceptedOutages = [
      { ...said, dependents: ['dead'], sources: [] },
      { ...said, sources },
    ];
    expect(rows).toMatchObject([{ basis: 'accepted-outage', because: { acceptedOutages } }]);
  });

  test('there is no way back once the revoke was called, nor once the run is over', async () => {
    world = await openWorld();
    await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    const { issuer } = world;
    const { revoke } = issuer;
    let answer: () => void = () => undefined;
    const called = new Promise<void>((resolve) => {
      issuer.revoke = async (credential) => {
        resolve();
        await new Promise<void>((release) => (answer = release));
        await revoke(credential);
      };
    });
    const runId = await world.ask('rotate');
    await called;
    const person = { name: 'test', person: undefined };
    const decision = { runId, kind: 'abort', by: person, reason: 'late' } as const;
    expect(await codeOf(recordDecision(world.decisionParts, decision))).toBe('revoke-called');
    answer();
    await world.result();
    expect(await codeOf(recordDecision(world.decisionParts, decision))).toBe('run-ended');
  });
});

describe('a straggler', () => {
  test('brings the disabled version back, and is counted and reported', async () => {
    world = await openWorld({ ...quickPolicy, disablePeriodMs: 700 });
    const { value: old } = await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    const runId = await world.ask('rotate');
    await eventually(async () => (await world.versions()).includes('v1 disabled'));
    expect(world.issuer.use(old, { userAgent: 'rarely' })).toBe(false);
    await eventually(async () => (await world.findings()).includes('straggler'));
    await eventually(() => Promise.resolve(world.issuer.use(old, { userAgent: 'billing' })));
    expect(await world.result()).toBe('succeeded');
    expect(await world.run(runId)).toMatchObject({ outcome: 'succeeded' });
  });
});

describe('compromise', () => {
  test('contains first, then replaces; a rotation under way is taken over and does no harm', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    const traffic = keepUsing(world, ['billing', 'script'], () => old);
    const rotation = await world.ask('rotate');
    await waitsFor(rotation, 'undeclared-use');
    const containing = await world.ask('compromise');
    await eventually(async () => (await world.run(containing))['state'] === 'ended');
    traffic.stop();
    expect(await world.run(rotation)).toMatchObject({ state: 'ended', outcome: 'superseded' });
    expect(await world.run(containing)).toMatchObject({ outcome: 'succeeded' });
    const live = (await world.versions()).filter((version) => !version.endsWith('revoked'));
    expect(live).toHaveLength(1);
    expect(world.issuer.live.size).toBe(1);
  });

  test('contains what it can: a version that cannot be revoked does not keep the others alive', async () => {
    world = await openWorld();
    const leftover = await world.adopt({ current: false });
    const { value: leaked } = await world.adopt({ ordinal: 2 });
    const { issuer } = world;
    const { revoke } = issuer;
    let refusing = true;
    issuer.revoke = (credential) =>
      refusing && credential.versionId === leftover.versionId
        ? Promise.reject(new AdapterError('not-permitted', 'not this one'))
        : revoke(credential);
    const runId = await world.ask('compromise');
    await waitsFor(runId, 'issuer-failed');
    expect(issuer.use(leaked, { userAgent: 'thief' })).toBe(false);
    expect(await world.versions()).toEqual(['v1 active', 'v2 revoked']);
    refusing = false;
    await world.decide(runId, 'retry');
    expect(await world.result()).toBe('succeeded');
    expect(issuer.use(leftover.value, { userAgent: 'thief' })).toBe(false);
  });

  test('replace first: the revoke comes after the replacement', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    const traffic = keepUsing(world, ['billing'], () => old);
    await world.ask('compromise', { replaceFirstMs: 10_000 });
    expect(await world.result()).toBe('succeeded');
    traffic.stop();
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(traffic.refused).toEqual([]);
  });
});

describe('first provisioning', () => {
  test('a secret without any version gets its first one', async () => {
    world = await openWorld();
    await world.depend('billing', { evidence: 'read-back' });
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 active current']);
  });
});

describe('the one door', () => {
  test('two commands for one secret at once are one run; the same key is the same run, with another body a conflict', async () => {
    world = await openWorld();
    const { pool } = world.database;
    const door = { pool, audit: world.audit };
    const key = randomUUID();
    const both = await Promise.all([
      submit(door, request(key, 'rotate'), 'a'),
      submit(door, request(randomUUID(), 'rotate'), 'b'),
    ]);
    expect(new Set(both.map(({ runId }) => runId)).size).toBe(1);
    expect(both.map(({ submission }) => submission).sort()).toEqual(['created', 'joined']);
    const first = randomUUID();
    const made = await submit(door, request(first, 'compromise'), 'a');
    expect(await submit(door, request(first, 'compromise'), 'a')).toEqual({
      runId: made.runId,
      submission: 'repeated',
    });
    expect(await codeOf(submit(door, request(first, 'compromise', 'another'), 'a'))).toBe(
      'idempotency-key-reused',
    );
    expect(await codeOf(submit(door, request(randomUUID(), 'revoke'), 'a'))).toBe('secret-busy');
  });

  test('the keeper starts a run whose caller died after its row was written', async () => {
    world = await openWorld();
    await world.depend('billing', { evidence: 'read-back' });
    const { pool, ownerPool } = world.database;
    const door = { pool, audit: world.audit };
    const { runId } = await submit(door, request(randomUUID(), 'rotate'), 'died');
    await ownerPool.query(`update rotor.runs set claimed_until = now() - interval '1 second'`);
    await eventually(async () => (await world.run(runId))['outcome'] === 'succeeded');
  });
});

describe('an audit trail that cannot be written', () => {
  test('fails the step, and nothing is done without it; afterwards the run completes', async () => {
    world = await openWorld();
    await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    const { ownerPool } = world.database;
    await ownerPool.query(`
      create function rotor.full_disk() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
      create trigger full_disk before insert on rotor.audit
        for each row when (new.event->>'change' <> 'run-requested') execute function rotor.full_disk()`);
    const runId = await world.ask('rotate');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await world.versions()).toEqual(['v1 active current']);
    expect(world.issuer.live.size).toBe(1);
    await ownerPool.query('drop trigger full_disk on rotor.audit');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(await world.run(runId)).toMatchObject({ outcome: 'succeeded' });
    expect((await world.audit.verify(world.database.pool)).faults).toEqual([]);
  });
});

describe('after a loss of Temporal', () => {
  test('the keeper starts the workflow of an open run again, and it goes on from the facts', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing');
    const traffic = keepUsing(world, ['billing', 'script'], () => old);
    const runId = await world.ask('rotate');
    await waitsFor(runId, 'undeclared-use');
    await world.terminate();
    await world.database.ownerPool.query(
      `update rotor.runs set claimed_until = now() - interval '1 second'`,
    );
    await world.depend('script');
    await eventually(async () => (await world.run(runId))['outcome'] === 'succeeded');
    traffic.stop();
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(traffic.refused).toEqual([]);
  });
});

describe('a delivery that is overtaken', () => {
  test('by a compromise: the late write is put right, and the destination holds the newest version', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    world.connector.places.set('billing', old);
    const { deliver } = world.connector;
    let late = true;
    world.connector.deliver = async (delivery) => {
      if (late) {
        late = false;
        await new Promise((resolve) => setTimeout(resolve, 1_500));
      }
      await deliver(delivery);
    };
    const rotation = await world.ask('rotate');
    await eventually(() => Promise.resolve(!late));
    const containing = await world.ask('compromise', { everyVersion: true });
    await eventually(async () => (await world.run(containing))['outcome'] === 'succeeded');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await world.run(rotation)).toMatchObject({ outcome: 'superseded' });
    expect(
      world.issuer.use(world.connector.places.get('billing') ?? '', { userAgent: 'check' }),
    ).toBe(true);
  });

  test('by a compromise, and dies before it puts its late write right: until its deadline nobody has moved, then the place is read and repaired', async () => {
    world = await openWorld();
    const { value: old } = await world.adopt();
    const dependencyId = await world.depend('billing', { evidence: 'read-back' });
    world.connector.places.set('billing', old);
    const { deliver } = world.connector;
    let die: () => void = () => undefined;
    const dead = new Promise<void>((resolve) => (die = resolve));
    let calls = 0;
    world.connector.deliver = async (delivery) => {
      calls += 1;
      if (calls > 1) return deliver(delivery);
      await eventually(() => Promise.resolve(calls > 1));
      await deliver(delivery);
      await dead;
    };
    await world.ask('rotate');
    await eventually(() => Promise.resolve(calls === 1));
    const containing = await world.ask('compromise', { everyVersion: true });
    await eventually(() => Promise.resolve(calls > 1));
    const { rows } = await world.database.pool.query<{ deadline: Date; moved_at: Date }>(
      `select max((c->>'deadline')::timestamptz) as deadline, max(d.moved_at) as moved_at
       from rotor.leases, jsonb_array_elements(contested) c, rotor.deliveries d
       where d.dependency_id = $1`,
      [dependencyId],
    );
    expect(rows[0]?.deadline).toBeInstanceOf(Date);
    expect(rows[0]?.moved_at).toBeNull();
    await eventually(async () => (await world.run(containing))['outcome'] === 'succeeded');
    const held = world.connector.places.get('billing') ?? '';
    expect(world.issuer.use(held, { userAgent: 'check' })).toBe(true);
    expect(Date.now()).toBeGreaterThanOrEqual(rows[0]?.deadline.getTime() ?? Infinity);
    die();
  });
});

describe('a destination that cannot be cleaned', () => {
  test('is a finding with its own retries, and holds up nobody; cleaned, the finding closes and the value is destroyed', async () => {
    world = await openWorld();
    const { value: old, versionId } = await world.adopt();
    await world.depend('billing', { evidence: 'read-back' });
    world.connector.places.set('billing', old);
    const { held } = world.connector;
    let broken = true;
    world.connector.held = (destination, known) =>
      broken && world.points.includes('revoke:proven')
        ? Promise.reject(new AdapterError('unreadable', 'it cannot be read'))
        : held(destination, known);
    await world.ask('rotate');
    expect(await world.result()).toBe('succeeded');
    expect(await world.findings()).toEqual(['clean-failed']);
    expect(world.store.values.has(versionId)).toBe(true);
    broken = false;
    await eventually(async () => (await world.findings()).length === 0);
    expect(world.store.values.has(versionId)).toBe(false);
  });

  test('one that was left out still holds what was revoked: a finding, until it holds something else', async () => {
    world = await openWorld({ ...quickPolicy, canary: false });
    const { value: old } = await world.adopt();
    for (const name of ['billing', 'dead', 'late']) {
      await world.depend(name, { evidence: 'read-back' });
      world.connector.places.set(name, old);
    }
    const { deliver } = world.connector;
    let isBack = false;
    world.connector.deliver = (delivery) => {
      const { identity } = delivery.destination;
      if (identity === 'dead')
        return Promise.reject(new AdapterError('read-only', 'it cannot be written'));
      return identity === 'late' && !isBack
        ? Promise.reject(new AdapterError('unreachable', 'no answer'))
        : deliver(delivery);
    };
    const acceptedOutage = { by: 'test', reason: 'test', dependents: ['dead'], sources: [] };
    const runId = await world.ask('rotate', { acceptedOutage });
    await waitsFor(runId, 'destination-failed');
    const told = expect.stringMatching(/^dead: .* read-only \(dead\): it cannot be written$/);
    expect(await world.run(runId)).toMatchObject({ waits_told: told });
    // What is tried again beside it, and then works, does not hide who needs a person.
    const tries = world.points.length;
    await eventually(() => Promise.resolve(world.points.length > tries + 2));
    expect(await world.run(runId)).toMatchObject({ waits_told: told });
    isBack = true;
    await eventually(() => Promise.resolve(world.connector.places.get('late') !== old));
    await eventually(() => Promise.resolve(world.points.length > tries + 3));
    expect(await world.run(runId)).toMatchObject({ waits_told: told });
    await world.decide(runId, 'skip', 'dead');
    expect(await world.result()).toBe('succeeded');
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
    expect(await world.findings()).toEqual(['clean-failed']);
    world.connector.places.set('dead', 'something else');
    await eventually(async () => (await world.findings()).length === 0);
  });
});
