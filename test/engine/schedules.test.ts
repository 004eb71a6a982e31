import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { heldSchedule, removeSchedule } from '../../client/schedules.js';
import { scheduleId, standardSchedule, type Schedule } from '../../domain/schedule.js';
import { calendar } from '../../infra/calendar.js';
import { compareSchedules, tellOverdue, type Comparison } from '../../workers/compare-schedules.js';
import { startScheduleKeeper } from '../../workers/schedule-keeper.js';
import { openScheduler, rewrite, type SchedulerParts } from '../../workers/scheduler.js';
import { eventually } from '../faults/installation.js';
import { schedulesReady, sharedTemporal } from '../harness/temporal.js';
import { openWorld, quickPolicy, type World } from './world.js';

function at(cron: string, more: Partial<Schedule> = {}): Schedule {
  return {
    ...standardSchedule,
    rule: { kind: 'calendar', cron, said: cron },
    windows: [],
    blackouts: [],
    atMostAtOnce: {},
    ...more,
  };
}

const everyOtherSecond = '*/2 * * * * *';
const nextYear = '0 0 1 1 *';

let world: World;
let parts: SchedulerParts;
/** What the tests do by themselves, the loop does not do meanwhile. */
beforeAll(async () => {
  world = await openWorld(quickPolicy, { schedulesEveryMs: 3_600_000 });
  const temporal = { client: world.client, taskQueue: world.taskQueue };
  const { pool } = world.database;
  parts = { pool, audit: world.audit, temporal, calendar, identity: 'somebody else' };
  await schedulesReady();
});
afterAll(() => world.close());

/** A secret of its own for each test, that somebody is declared to use. */
let secretId: string;
beforeEach(async () => {
  secretId = await world.addSecret(`s-${randomUUID().slice(0, 8)}`);
});

async function schedule(schedule: Schedule | null, secret = secretId): Promise<void> {
  const { ownerPool } = world.database;
  await ownerPool.query('update rotor.secrets set schedule = $2 where id = $1', [secret, schedule]);
}

interface SlotRow {
  readonly slot: string;
  readonly state: string;
  readonly reason: string;
  readonly run_id: string | null;
}

async function slots(secret = secretId): Promise<SlotRow[]> {
  const { rows } = await parts.pool.query<SlotRow>(
    'select slot, state, reason, run_id from rotor.schedule_slots where secret_id = $1 order by slot',
    [secret],
  );
  return rows;
}

async function runs(secret = secretId): Promise<number> {
  const { rows } = await parts.pool.query('select from rotor.runs where secret_id = $1', [secret]);
  return rows.length;
}

/** As it would be after this long: what is due by then has come. */
async function age(seconds: number): Promise<void> {
  await world.database.ownerPool.query(
    `update rotor.schedules set since = since - make_interval(secs => $2) where secret_id = $1`,
    [secretId, seconds],
  );
}

const claim = () => openScheduler(parts).claim(secretId);
const compared = async (): Promise<Comparison> => {
  const comparison = await compareSchedules(parts);
  return comparison ?? compared();
};
const held = () => heldSchedule(parts.temporal, secretId);
const handle = () => world.client.schedule.getHandle(scheduleId(secretId));

test('a slot starts a run through its Temporal Schedule, and the next slot is written after it', async () => {
  await schedule(at(everyOtherSecond));
  await compared();
  await eventually(async () => (await slots()).length >= 2);
  await schedule(null);
  await compared();
  const claimed = await slots();
  expect(new Set(claimed.map(({ state }) => state))).toEqual(new Set(['requested']));
  expect(await runs()).toBeLessThanOrEqual(claimed.length);
  expect(await held()).toBeUndefined();
});

describe('a slot is claimed once', () => {
  test('by several who come at once', async () => {
    await schedule(at('* * * * *'));
    await compared();
    await age(60);
    const told = await Promise.all([1, 2, 3].map(() => claim()));
    expect(told.filter(({ runId }) => runId !== undefined)).toHaveLength(1);
    expect(await runs()).toBe(1);
  });

  test('also where the clock goes back behind it', async () => {
    await schedule(at('* * * * *'));
    await compared();
    await age(60);
    await claim();
    const [{ slot = '' } = {}] = await slots();
    await age(3_600);
    expect(await claim()).not.toHaveProperty('runId');
    expect((await slots()).filter((one) => one.slot === slot)).toHaveLength(1);
  });
});

describe('nobody could start three slots', () => {
  const quick = { lateAfterMs: 1_000 };
  test('the newest one runs where the policy catches up, and the others are missed', async () => {
    await schedule(at('* * * * *', { ...quick, catchUp: 'run' }));
    await compared();
    await age(180);
    await claim();
    expect((await slots()).map(({ state }) => state)).toEqual(['missed', 'missed', 'requested']);
    expect(await runs()).toBe(1);
  });

  test('none runs where the policy does not, and each says why', async () => {
    // Not within the first second of a minute: the newest slot has to be late by then.
    await schedule(at('0 0 * * * *', { ...quick, catchUp: 'skip' }));
    await compared();
    await age(3 * 3_600);
    await claim();
    const missed = await slots();
    expect(missed.map(({ state }) => state)).toEqual(['missed', 'missed', 'missed']);
    expect(missed.at(-1)?.reason).toBe('it could not start within 1s');
    expect(await runs()).toBe(0);
    expect((await held())?.at?.getTime()).toBeGreaterThan(Date.now());
  });

  test('because no worker was there: one run when it comes back', async () => {
    await schedule(at(everyOtherSecond));
    await world.withoutWorker(async () => {
      await compared();
      await pause(6_500);
    });
    await eventually(async () => (await slots()).some(({ state }) => state === 'requested'));
    await schedule(null);
    const [first, second, ...rest] = await slots();
    expect([first?.state, second?.state]).toEqual(['missed', 'missed']);
    expect(rest.find(({ state }) => state !== 'missed')?.state).toBe('requested');
  });
});

test('a schedule that is edited while its slot starts: what counts is what was decided last', async () => {
  const scheduled = async () => {
    const { info } = await handle().describe();
    return info.recentActions.at(-1)?.action.workflow.workflowId;
  };
  let started: string | undefined;
  await world.withoutWorker(async () => {
    await schedule(at(everyOtherSecond));
    await compared();
    await eventually(async () => (started = await scheduled()) !== undefined);
    await schedule(at(nextYear));
  });
  expect(await world.client.workflow.getHandle(started ?? '').result()).toBe('no slot is due');
  expect(await slots()).toEqual([]);
  expect(await runs()).toBe(0);
  expect((await held())?.at).toEqual(calendar.moment(`${nextJanuary()}-01-01T00:00:00`, 'UTC').at);
});

function nextJanuary(): number {
  return new Date().getUTCFullYear() + 1;
}

describe('differences are found and repaired', () => {
  beforeEach(async () => {
    await schedule(at(nextYear));
    await compared();
  });
  const repaired = async () => {
    await eventually(async () => (await compared()).repaired === 0);
    return held();
  };

  test('a schedule that was deleted in Temporal is there again', async () => {
    await removeSchedule(parts.temporal, secretId);
    await eventually(async () => (await compared()).repaired > 0);
    expect(await repaired()).toMatchObject({ paused: false });
  });

  test('a schedule that was changed in Temporal is as it was', async () => {
    const before = await held();
    await handle().update((previous) => ({
      ...previous,
      spec: { calendars: [{ year: 2040, month: 'MAY', dayOfMonth: 1, hour: 1 }] },
    }));
    await eventually(async () => (await compared()).repaired > 0);
    expect(await repaired()).toEqual(before);
  });

  test('a secret that is retired has no schedule in Temporal any more', async () => {
    const { ownerPool } = world.database;
    await ownerPool.query('update rotor.secrets set retired_at = now() where id = $1', [secretId]);
    await eventually(async () => {
      await compared();
      return (await held()) === undefined;
    });
  });

  test('a pause in Temporal is seen, kept, and ended by resume only', async () => {
    await handle().pause('migration of the cluster');
    await eventually(async () => {
      await compared();
      const { rows } = await parts.pool.query<{ paused_in_temporal: string | null }>(
        'select paused_in_temporal from rotor.schedules where secret_id = $1',
        [secretId],
      );
      return rows[0]?.paused_in_temporal === 'migration of the cluster';
    });
    await rewrite(parts, secretId);
    expect(await held()).toMatchObject({ paused: true, note: 'migration of the cluster' });
    await rewrite(parts, secretId, { resume: true });
    expect(await held()).toMatchObject({ paused: false });
  });
});

describe('those that must not rotate together', () => {
  /** A rotation of another secret that does not end by itself. */
  async function rotating(): Promise<{ name: string; runId: string }> {
    const name = `o-${randomUUID().slice(0, 8)}`;
    const other = await world.addSecret(name);
    const runId = randomUUID();
    await world.database.ownerPool.query(
      `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key,
         request_fingerprint, claimed_until)
       values ($1, $2, 'rotate', 'running', 'test', 'x', $3, 'x', now() + interval '1 hour')`,
      [runId, other, runId],
    );
    return { name, runId };
  }
  const end = (runId: string) =>
    world.database.ownerPool.query(
      `update rotor.runs set state = 'ended', outcome = 'succeeded', ended_at = now() where id = $1`,
      [runId],
    );

  test('a slot waits while a secret rotates that it must not meet, and runs afterwards', async () => {
    const other = await rotating();
    await world.database.ownerPool.query('update rotor.secrets set not_with = $2 where id = $1', [
      secretId,
      [other.name],
    ]);
    await schedule(at('0 * * * *', { postponeByMs: 100 }));
    await compared();
    await age(3_600);
    await claim();
    expect(await slots()).toMatchObject([
      { state: 'postponed', reason: `${other.name} rotates, and they are not to rotate together` },
    ]);
    await end(other.runId);
    await eventually(async () => (await claim()).runId !== undefined);
    expect(await slots()).toMatchObject([{ state: 'requested' }]);
  });

  test('a slot waits while as many of the organization rotate as may at once', async () => {
    const other = await rotating();
    await schedule(at('0 * * * *', { atMostAtOnce: { organization: 1 } }));
    await compared();
    await age(3_600);
    await claim();
    const [slot] = await slots();
    expect(slot?.state).toBe('postponed');
    expect(slot?.reason).toContain('secrets of acme rotate');
    await end(other.runId);
  });
});

describe('a rotation that is overdue', () => {
  const findings = async () => {
    const { rows } = await parts.pool.query<{ code: string; message: string }>(
      'select code, message from rotor.findings where secret_id = $1 and closed_at is null',
      [secretId],
    );
    return rows;
  };

  test('is told without any schedule in Temporal, and no longer once it was rotated', async () => {
    await schedule(at('0 * * * *', { overdueAfterMs: 60_000 }));
    await tellOverdue(parts);
    expect(await findings()).toEqual([]);
    await age(2 * 3_600);
    await tellOverdue(parts);
    expect(await findings()).toMatchObject([
      {
        code: 'rotation-overdue',
        message: expect.stringContaining('no slot of it was ever started'),
      },
    ]);
    await world.database.ownerPool.query(
      `insert into rotor.versions (id, secret_id, ordinal, state, is_current, origin, value,
         credential_id, activated_at, confirmed_at)
       values (gen_random_uuid(), $1, 1, 'active', true, 'adopted', 'sealed', $2, now(), now())`,
      [secretId, randomUUID()],
    );
    await claim();
    await tellOverdue(parts);
    expect(await findings()).toEqual([]);
  });

  test('is told though a run made a version that nobody confirmed, or went back to the one before', async () => {
    await schedule(at('0 * * * *', { overdueAfterMs: 60_000 }));
    await tellOverdue(parts);
    await age(2 * 3_600);
    const first = await rotation({ confirmed: '9 days', state: 'ended' });
    await rotation({ confirmed: undefined, state: 'ended' });
    await version({ origin: 'orphan', ordinal: 9 });
    const told = async () => {
      await tellOverdue(parts);
      return (await findings()).map(({ code }) => code);
    };
    expect(await told()).toEqual(['rotation-overdue']);
    const { ownerPool } = world.database;
    await ownerPool.query('update rotor.versions set confirmed_at = now() where id = $1', [
      first.versionId,
    ]);
    expect(await told()).toEqual(['rotation-overdue']);
    const back = await rotation({ confirmed: '1 minute', state: 'running' });
    expect(await told()).toEqual([]);
    await ownerPool.query(
      `update rotor.runs set plan = plan || '{"direction": "back"}' where id = $1`,
      [back.runId],
    );
    expect(await told()).toEqual(['rotation-overdue']);
  });
});

interface Rotation {
  /** How long ago its version was confirmed. */
  readonly confirmed: string | undefined;
  readonly state: 'running' | 'ended';
}

/** A run that was asked for ten days ago, and the version that it made. */
async function rotation({ confirmed, state }: Rotation) {
  const runId = randomUUID();
  const { ownerPool } = world.database;
  const { rows } = await ownerPool.query<{ count: number }>(
    'select count(*)::int from rotor.versions where secret_id = $1',
    [secretId],
  );
  const versionId = randomUUID();
  await ownerPool.query(
    `insert into rotor.runs (id, secret_id, kind, state, outcome, requested_by, reason, idempotency_key,
       request_fingerprint, claimed_until, requested_at, ended_at, plan)
     values ($1, $2, 'rotate', $3::text, case when $3 = 'ended' then 'succeeded' end, 'test', 'x', $4, 'x',
       now() + interval '1 hour', now() - interval '10 days',
       case when $3 = 'ended' then now() - interval '8 days' end, $5)`,
    [runId, secretId, state, runId, { steps: [], direction: 'forward', towards: versionId }],
  );
  const ordinal = (rows[0]?.count ?? 0) + 1;
  await version({ versionId, origin: 'minted', ordinal, runId, confirmed });
  return { runId, versionId };
}

interface Made {
  readonly versionId?: string;
  readonly origin: 'minted' | 'orphan';
  readonly ordinal: number;
  readonly runId?: string;
  readonly confirmed?: string | undefined;
}

async function version({ versionId = randomUUID(), ...made }: Made): Promise<void> {
  const { ownerPool } = world.database;
  const { origin, ordinal, runId = null, confirmed = null } = made;
  await ownerPool.query(
    `insert into rotor.versions (id, secret_id, ordinal, state, origin, value, credential_id, run_id)
     values ($1::uuid, $2, $3, 'pending', $4, 'sealed', $1::text, $5)`,
    [versionId, secretId, ordinal, origin, runId],
  );
  await ownerPool.query(
    `update rotor.versions set state = 'active', confirmed_at = now() - $2::interval,
       activated_at = coalesce(now() - $2::interval, now()) where id = $1`,
    [versionId, confirmed],
  );
}

describe('a run that has rotated the secret already, and goes on', () => {
  test('answers the first slot that meets it', async () => {
    const { runId } = await rotation({ confirmed: '3 hours', state: 'running' });
    await schedule(at('0 * * * *', { overdueAfterMs: 1 }));
    await compared();
    await age(3_600);
    await claim();
    expect(await slots()).toMatchObject([{ state: 'requested', run_id: runId }]);
    await tellOverdue(parts);
    const { rows } = await parts.pool.query('select from rotor.findings where secret_id = $1', [
      secretId,
    ]);
    expect(rows).toEqual([]);
  });

  test('is waited for by an interval, which counts from what it confirmed', async () => {
    await rotation({ confirmed: '3 hours', state: 'running' });
    await schedule(at('', { rule: { kind: 'every', everyMs: 3_600_000 } }));
    await compared();
    await age(2 * 3_600);
    await claim();
    expect((await slots()).at(-1)?.state).toBe('postponed');
  });

  test('is waited for by the next slot', async () => {
    const { runId } = await rotation({ confirmed: '3 hours', state: 'running' });
    await schedule(at('0 * * * *'));
    await compared();
    await world.database.ownerPool.query(
      `insert into rotor.schedule_slots (secret_id, zone, slot, state, at, reason, decided_by, run_id)
       values ($1, 'UTC', '2020-01-01T00:00', 'requested', '2020-01-01', 'x', 'x', $2)`,
      [secretId, runId],
    );
    await age(3_600);
    await claim();
    expect((await slots()).slice(1)).toMatchObject([
      { state: 'postponed', reason: expect.stringContaining('has rotated it already') },
    ]);
  });
});

test('however many slots are skipped ahead, what was settled stays so', async () => {
  await schedule(at('* * * * *'));
  await compared();
  await age(60);
  await claim();
  await world.database.ownerPool.query(
    `insert into rotor.schedule_slots (secret_id, zone, slot, state, at, reason, decided_by)
     select secret_id, zone, to_char(at + make_interval(mins => n), 'YYYY-MM-DD"T"HH24:MI'), 'skipped',
       at, 'x', 'x' from rotor.schedule_slots, generate_series(10, 200) n where secret_id = $1`,
    [secretId],
  );
  expect((await claim()).told).not.toContain('missed');
  expect((await slots()).filter(({ state }) => state === 'requested')).toHaveLength(1);
});

test('slots that are long over go, but for the one that the next ones begin after', async () => {
  await schedule(at(nextYear));
  await compared();
  const { ownerPool } = world.database;
  const longOver = `insert into rotor.schedule_slots (secret_id, zone, slot, state, at, reason, decided_by)
     select $1, 'UTC', (year || '-01-01T00:00'), state, make_date(year, 1, 1), 'x', 'x'
     from (values (2018, 'missed'), (2019, 'skipped'), (2020, 'missed'), (2021, 'skipped')) s(year, state)`;
  // A worker looks when it starts.
  await world.withoutWorker(async () => {
    await ownerPool.query(longOver, [secretId]);
  });
  await eventually(async () => (await slots()).length === 2);
  expect((await slots()).map(({ slot }) => slot.slice(0, 4))).toEqual(['2020', '2021']);
});

test('a slot that Temporal did not start is started when that is found', async () => {
  await schedule(at('0 * * * *'));
  await compared();
  await age(3_600);
  await compared();
  await eventually(async () => (await slots()).some(({ state }) => state === 'requested'));
  expect(await runs()).toBe(1);
});

test('a slot of a secret that a run has already joins that run', async () => {
  const runId = randomUUID();
  await world.database.ownerPool.query(
    `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key,
       request_fingerprint, claimed_until)
     values ($1, $2, 'rotate', 'running', 'test', 'x', $3, 'x', now() + interval '1 hour')`,
    [runId, secretId, runId],
  );
  await schedule(at('0 * * * *'));
  await compared();
  await age(3_600);
  await claim();
  expect(await slots()).toMatchObject([{ state: 'requested', run_id: runId }]);
});

test('a slot whose request is refused is missed, and says why', async () => {
  const { ownerPool } = world.database;
  await ownerPool.query('update rotor.dependencies set retired_at = now() where secret_id = $1', [
    secretId,
  ]);
  await schedule(at('0 * * * *'));
  await compared();
  await age(3_600);
  await claim();
  expect(await slots()).toMatchObject([
    { state: 'missed', reason: 'nobody is declared to use this secret', run_id: null },
  ]);
  expect(await runs()).toBe(0);
});

test('two that must not rotate together, and come at the same moment: one starts, the other waits', async () => {
  const names = [`a-${randomUUID().slice(0, 8)}`, `b-${randomUUID().slice(0, 8)}`] as const;
  const pair = [await world.addSecret(names[0]), await world.addSecret(names[1])] as const;
  const { ownerPool } = world.database;
  await ownerPool.query('update rotor.secrets set not_with = $2 where id = $1', [
    pair[0],
    [names[1]],
  ]);
  for (const one of pair) await schedule(at('0 * * * *'), one);
  await compared();
  await ownerPool.query(
    `update rotor.schedules set since = since - interval '1 hour' where secret_id = any($1)`,
    [pair],
  );
  await Promise.all(pair.map((one) => openScheduler(parts).claim(one)));
  const states = (await Promise.all(pair.map((one) => slots(one))))
    .flat()
    .map(({ state }) => state);
  expect(states.sort()).toEqual(['postponed', 'requested']);
});

describe('the loop of a worker', () => {
  function loop(temporal = parts.temporal) {
    return startScheduleKeeper({ ...parts, temporal, everyMs: 50, warn: () => undefined });
  }

  test('has Temporal hold what was declared, also where it was deleted there', async () => {
    await schedule(at(nextYear));
    const keeper = loop();
    await eventually(async () => (await held()) !== undefined);
    await removeSchedule(parts.temporal, secretId);
    await eventually(async () => (await held()) !== undefined);
    await keeper.stop();
  });

  test('tells what is overdue while Temporal is away', async () => {
    await schedule(at('0 * * * *', { overdueAfterMs: 60_000 }));
    await compared();
    await age(2 * 3_600);
    const connection = await Connection.connect({ address: sharedTemporal().address });
    await connection.close();
    const keeper = loop({ client: new Client({ connection }), taskQueue: world.taskQueue });
    await eventually(async () => {
      const { rows } = await parts.pool.query(
        `select from rotor.findings where secret_id = $1 and code = 'rotation-overdue'`,
        [secretId],
      );
      return rows.length === 1;
    });
    await keeper.stop();
  });
});
