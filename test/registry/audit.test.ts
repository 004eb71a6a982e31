import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { openAudit } from '../../infra/registry/audit.js';
import { onceForAll } from '../../domain/together.js';
import { inTransaction } from '../../infra/postgres.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

const audit = openAudit(Buffer.alloc(32, 1));
let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());

async function chain(): Promise<string> {
  const chainId = randomUUID();
  for (let index = 1; index <= 4; index += 1) {
    const event = { change: 'test', index, text: 'ü €', nested: { b: 1, a: [1.5, null] } };
    await inTransaction(database.pool, (db) =>
      audit.append(db, chainId, [{ actor: 'tester', event }]),
    );
  }
  return chainId;
}

/** As somebody with the owner's rights would: triggers off, row changed, triggers on. */
async function tamper(statement: string, chainId: string): Promise<void> {
  const { ownerPool } = database;
  await ownerPool.query('alter table rotor.audit disable trigger keep_audit');
  await ownerPool.query('alter table rotor.audit_heads disable trigger grow_heads');
  await ownerPool.query(statement, [chainId]);
  await ownerPool.query('alter table rotor.audit enable trigger keep_audit');
  await ownerPool.query('alter table rotor.audit_heads enable trigger grow_heads');
}

async function faultOf(chainId: string): Promise<unknown> {
  const { faults } = await audit.verify(database.pool);
  const found = faults.find((fault) => fault.chainId === chainId);
  return found === undefined ? undefined : { seq: found.seq, fault: found.fault };
}

describe('rotor audit verify', () => {
  test('finds nothing in a trail that nobody touched', async () => {
    expect(await faultOf(await chain())).toBeUndefined();
  });

  const rows: [string, string, { seq: number; fault: string }][] = [
    [
      'a changed event',
      `update rotor.audit set event = '{"change":"lie"}' where chain_id = $1 and seq = 2`,
      { seq: 2, fault: 'changed-or-inserted' },
    ],
    [
      'a changed actor',
      `update rotor.audit set actor = 'other' where chain_id = $1 and seq = 3`,
      { seq: 3, fault: 'changed-or-inserted' },
    ],
    [
      'a removed event',
      'delete from rotor.audit where chain_id = $1 and seq = 2',
      { seq: 2, fault: 'missing' },
    ],
    [
      'the removed first event',
      'delete from rotor.audit where chain_id = $1 and seq = 1',
      { seq: 1, fault: 'missing' },
    ],
    [
      'the removed last event',
      'delete from rotor.audit where chain_id = $1 and seq = 4',
      { seq: 4, fault: 'last-events-missing' },
    ],
    [
      'all events removed',
      'delete from rotor.audit where chain_id = $1',
      { seq: 1, fault: 'last-events-missing' },
    ],
    [
      'an inserted event',
      `insert into rotor.audit select chain_id, 5, at, actor, run_id, event, mac from rotor.audit where chain_id = $1 and seq = 4`,
      { seq: 5, fault: 'changed-or-inserted' },
    ],
    [
      'an event before the first',
      `insert into rotor.audit select chain_id, 0, at, actor, run_id, event, mac from rotor.audit where chain_id = $1 and seq = 1`,
      { seq: 0, fault: 'changed-or-inserted' },
    ],
    [
      'reordered events',
      `update rotor.audit set seq = case seq when 2 then 13 else 12 end where chain_id = $1 and seq in (2, 3)`,
      { seq: 2, fault: 'missing' },
    ],
    [
      'a removed head',
      'delete from rotor.audit_heads where chain_id = $1',
      { seq: 4, fault: 'head-missing' },
    ],
    [
      'a head that was set back',
      'update rotor.audit_heads set count = 3 where chain_id = $1',
      { seq: 3, fault: 'head-changed' },
    ],
  ];
  for (const [name, statement, expected] of rows) {
    test(`names ${name}`, async () => {
      const chainId = await chain();
      await tamper(statement, chainId);
      expect(await faultOf(chainId)).toEqual(expected);
    });
  }

  test('names two events that changed places', async () => {
    const chainId = await chain();
    await tamper(
      `with pair as (select seq, event, mac from rotor.audit where chain_id = $1 and seq in (2, 3))
       update rotor.audit a set event = b.event, mac = b.mac from pair b
       where a.chain_id = $1 and a.seq in (2, 3) and b.seq = 5 - a.seq`,
      chainId,
    );
    expect(await faultOf(chainId)).toEqual({ seq: 2, fault: 'changed-or-inserted' });
  });

  test('with another key nothing fits', async () => {
    const chainId = await chain();
    const { faults } = await openAudit(Buffer.alloc(32, 2)).verify(database.pool);
    expect(faults.some((fault) => fault.chainId === chainId)).toBe(true);
  });

  test('reads a long chain a page at a time, and names a changed event of its last page', async () => {
    const chainId = randomUUID();
    const events = Array.from({ length: 1_203 }, (_, index) => ({
      actor: 'tester',
      event: { index },
    }));
    await inTransaction(database.pool, (db) => audit.append(db, chainId, events));
    await tamper(`update rotor.audit set actor = 'x' where chain_id = $1 and seq = 1202`, chainId);
    const answers: number[] = [];
    const { faults } = await audit.verify(watched((rows) => Promise.resolve(answers.push(rows))));
    expect(faults).toContainEqual({ chainId, seq: 1_202, fault: 'changed-or-inserted' });
    expect(Math.max(...answers)).toBe(500);
  });

  test('what is added while it reads is no fault', async () => {
    const chainId = await chain();
    const add = () =>
      inTransaction(database.pool, (db) =>
        audit.append(db, chainId, [{ actor: 'tester', event: { change: 'meanwhile' } }]),
      );
    const { faults } = await audit.verify(watched(add));
    expect(faults.filter((fault) => fault.chainId === chainId)).toEqual([]);
    const { rows } = await database.pool.query<{ count: string }>(
      'select count from rotor.audit_heads where chain_id = $1',
      [chainId],
    );
    expect(Number(rows[0]?.count)).toBeGreaterThan(4);
  });
});

test('however many ask, one reads the trail at a time, and nobody is told what was read before they asked', async () => {
  let [reading, most, passes] = [0, 0, 0];
  const verify = onceForAll(async () => {
    most = Math.max(most, ++reading);
    await pause(1);
    reading -= 1;
    return { chains: 0, events: ++passes, faults: [] };
  });
  const verdicts = await Promise.all([verify(), verify(), verify(), verify()]);
  expect(verdicts.map(({ events }) => events)).toEqual([1, 2, 2, 2]);
  expect(most).toBe(1);
});

/** The database's pool; with every answer something else happens. */
function watched(answered: (rows: number) => Promise<unknown>): Pick<pg.Pool, 'query'> {
  const query = async (text: string, values: unknown[]) => {
    const answer = await database.pool.query(text, values);
    await answered(answer.rows.length);
    return answer;
  };
  return { query } as unknown as Pick<pg.Pool, 'query'>;
}
