import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { applied } from '../../domain/applied.js';
import type { Change, Decided } from '../../domain/change.js';
import type { Facts } from '../../domain/facts.js';
import type { Registry } from '../../domain/registry.js';
import { beginDelivery, finishDelivery, type DeliveryOrder } from '../../domain/steps/update.js';
import { readFigures } from '../../infra/registry/figures.js';
import { listRuns } from '../../infra/registry/views.js';
import { openAudit } from '../../infra/registry/audit.js';
import { openRegistry } from '../../infra/registry/open.js';
import { submit } from '../../infra/registry/requests.js';
import { traits } from '../domain/facts.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

const audit = openAudit(Buffer.alloc(32));
const many = 60;
let database: TestDatabase;
let registry: Registry;
let runId: string;
let dependencyIds: string[];
let transactions: number;
let away: boolean;
const versionId = randomUUID();

beforeEach(async () => {
  database = await openDatabase();
  const { rows } = await database.ownerPool.query<{ secret: string; dependency: string }>(
    `with o as (insert into rotor.organizations (name) values ('acme') returning id),
       s as (insert into rotor.secrets (organization_id, name, owner, issuer, specification)
         select id, 'api', 'team', 'main', '{}' from o returning id),
       t as (insert into rotor.dependents (organization_id, name, owner)
         select id, 'n' || n, 'team' from o, generate_series(1, $1::int) n returning id, name),
       d as (insert into rotor.destinations (connector, identity, address)
         select 'memory', 'n' || n, '{}' from generate_series(1, $1::int) n returning id, identity)
     insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner, least_evidence,
       seen_as, picks_up_within_ms)
     select s.id, t.id, d.id, 'team', 'read-back', '{"userAgent": "x"}', 0
     from s, t join d on d.identity = t.name returning secret_id as secret, id as dependency`,
    [many],
  );
  dependencyIds = rows.map(({ dependency }) => dependency);
  const request = { requestedBy: 'ann', reason: 'x', idempotencyKey: randomUUID(), options: {} };
  const door = { pool: database.pool, audit };
  const about = { organization: 'acme', secret: 'api', kind: 'rotate' as const };
  runId = (await submit(door, { ...about, ...request }, 'test')).runId;
  transactions = 0;
  away = false;
  const pool = new Proxy(database.pool, {
    get: (target, name) => {
      if (name === 'connect') transactions += 1;
      if (name === 'connect' && away) return () => Promise.reject(new Error('nobody listens'));
      const found: unknown = Reflect.get(target, name);
      return typeof found === 'function' ? (found as () => unknown).bind(target) : found;
    },
  });
  registry = openRegistry({ pool, audit, traitsOf: () => traits });
  await registry.decide(runId, begunPlan);
  transactions = 0;
});
afterEach(() => database.close());

/** A version that is active, and a plan that moves everybody to it. */
function begunPlan(): Decided<undefined> {
  const plan = {
    direction: 'forward',
    title: 'Rotate',
    steps: ['update'],
    towards: versionId,
    ends: [],
    waves: [],
    warnings: [],
  } as const;
  return {
    result: undefined,
    changes: [
      { change: 'version-named', versionId, state: 'pending', origin: 'minted', value: 'sealed' },
      { change: 'version-moved', versionId, from: 'pending', to: 'active', credentialId: 'c' },
      { change: 'plan-stored', plan, revision: 1 },
    ],
  };
}

function begin(id: string): Promise<DeliveryOrder> {
  const decision = (facts: Facts): Decided<DeliveryOrder> => {
    const { result, changes } = beginDelivery(facts, id);
    if (result.kind !== 'deliver') throw new Error(result.answer.told);
    return { result, changes };
  };
  return registry.decide(runId, decision, { dependencyId: id });
}

function finish(order: DeliveryOrder) {
  const outcome = { kind: 'delivered', evidence: 'read-back' } as const;
  return registry.decide(runId, (facts) => finishDelivery(facts, order, outcome));
}

const nothing = <T>(result: T): Decided<T> => ({ result, changes: [] });

test('decisions that come at once share transactions, each as if it had been alone', async () => {
  const orders = await Promise.all(dependencyIds.map(begin));
  expect(transactions).toBeLessThan(5);
  const after = await Promise.all(orders.map(finish));
  expect(new Set(after.map(({ kind }) => kind))).toEqual(new Set(['moved']));
  const facts = await registry.read(runId);
  expect(facts.deliveries).toHaveLength(many);
  expect(facts.deliveries.every(({ movedAt }) => movedAt !== undefined)).toBe(true);
  expect(facts.leases.every(({ generation, released }) => generation === 1 && released)).toBe(true);
  expect(facts.versions).toMatchObject([{ versionId, current: true }]);
  const { rows } = await database.pool.query(
    `select count(*)::int from rotor.audit where event->>'change' = 'version-confirmed'`,
  );
  expect(rows).toEqual([{ count: 1 }]);
});

test('what is said of a delivery without a new reading is what a new reading says', async () => {
  const [first = '', second = ''] = dependencyIds;
  const order = await begin(first);
  await begin(second);
  await begin(second);
  for (const outcome of [
    { kind: 'failed', code: 'unreachable', said: 'it is away', passing: true },
    { kind: 'delivered', evidence: 'read-back' },
  ] as const) {
    const foretold = await registry.decide(runId, (facts) => {
      const { changes } = finishDelivery(facts, order, outcome);
      return { result: applied(facts, changes), changes };
    });
    const { deliveries, leases } = await registry.read(runId);
    expect(withoutTimes(foretold?.deliveries)).toEqual(withoutTimes(deliveries));
    expect(withoutTimes(foretold?.leases)).toEqual(withoutTimes(leases));
  }
});

/** In one order, and with each moment only as being there. */
function withoutTimes(list: readonly object[] | undefined): string[] {
  const text = (one: object): string =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(one)
          .map(([key, value]) => [key, value instanceof Date ? 'a moment' : (value as unknown)])
          .sort(),
      ),
    );
  return (list ?? []).map(text).sort();
}

test('one that fails does so alone, whether it decides nothing or cannot be written', async () => {
  const unwritable: Change = { change: 'version-confirmed', versionId: randomUUID() };
  const answers = await Promise.allSettled([
    registry.decide(runId, () => nothing('first')),
    registry.decide(runId, () => nothing('second')),
    registry.decide(runId, () => {
      throw new Error('no decision');
    }),
    registry.decide(runId, () => ({ result: 'never', changes: [unwritable] })),
    registry.decide(runId, () => nothing('last')),
  ]);
  expect(
    answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'failed')),
  ).toEqual(['first', 'second', 'failed', 'failed', 'last']);
});

test('where the database is away, all who wait are told at once, and nobody tries once more for each', async () => {
  away = true;
  const asked = Array.from({ length: 20 }, () => registry.decide(runId, () => nothing('never')));
  const answers = await Promise.allSettled(asked);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['rejected']));
  expect(transactions).toBeLessThan(4);
  away = false;
  expect(await registry.decide(runId, () => nothing('again'))).toBe('again');
});

test('after a change that says more, the next one reads the facts again', async () => {
  const paused: Change = { change: 'run-waits', code: 'paused', told: 'x', until: undefined };
  const confirmed: Change = { change: 'version-confirmed', versionId };
  const isCurrent = (facts: Facts): Decided<boolean> =>
    nothing(facts.versions.some(({ current }) => current));
  const answers = await Promise.all([
    registry.decide(runId, () => nothing(undefined)),
    registry.decide(runId, () => ({ result: undefined, changes: [paused] })),
    registry.decide(runId, isCurrent),
    registry.decide(runId, () => ({ result: undefined, changes: [confirmed] })),
    registry.decide(runId, isCurrent),
  ]);
  expect(answers).toEqual([undefined, undefined, false, undefined, true]);
});

test('a run whose moment has come and was put off is held, until it goes on', async () => {
  const wait = (change: (facts: Facts) => Change) =>
    registry.decide(runId, (facts) => ({ result: facts.run.wait, changes: [change(facts)] }));
  const until = (seconds: number) => (facts: Facts) =>
    ({
      change: 'run-waits',
      code: 'undeclared-use',
      told: 'x',
      until: new Date(facts.now.getTime() + seconds * 1_000),
    }) as const;
  await wait(until(-1));
  const first = await wait(until(60));
  expect(first).toMatchObject({ held: false, promised: first?.until });
  const [run] = await listRuns(database.pool, { organization: undefined, state: 'blocked' });
  expect(run).toMatchObject({ waitsCode: 'undeclared-use', waitsHeld: true });
  expect((await readFigures(database.pool, undefined, 1)).blocked).toEqual([
    { code: 'undeclared-use', count: 1 },
  ]);
  const held = await wait(() => ({ change: 'run-goes-on' }));
  expect(held).toMatchObject({ held: true, promised: first?.promised });
  await wait(until(60));
  expect((await readFigures(database.pool, undefined, 1)).blocked).toEqual([]);
});

test('who comes as the last one is answered is answered too', async () => {
  const seen: number[] = [];
  const chain = async (left: number): Promise<void> => {
    seen.push(await registry.decide(runId, () => nothing(left)));
    if (left > 0) await chain(left - 1);
  };
  await Promise.all([chain(20), chain(20), chain(20)]);
  expect(seen).toHaveLength(63);
});
