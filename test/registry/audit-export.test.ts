import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inTransaction } from '../../infra/postgres.js';
import { openAudit } from '../../infra/registry/audit.js';
import { exportAudit, type ExportAsked } from '../../infra/registry/audit-export.js';
import { canonicalText } from '../../trail/canonical.js';
import { beginning, contentOf, hashOf, type Line } from '../../trail/lines.js';
import { openSigner } from '../../trail/signing.js';
import type { TrailVerdict } from '../../trail/verdict.js';
import { verifyTrail, type TrailQuestion } from '../../trail/verify.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

const audit = openAudit(Buffer.alloc(32, 1));
const signer = openSigner(Buffer.alloc(32, 2));
const forger = openSigner(Buffer.alloc(32, 3));
const everything: ExportAsked = { secret: undefined, from: undefined, to: undefined, by: 'me' };

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase();
  await append(randomUUID(), 4);
  await append(randomUUID(), 3);
});
afterAll(() => database.close());

async function append(chainId: string, count: number): Promise<string> {
  const events = Array.from({ length: count }, (_, index) => ({
    actor: 'tester',
    event: { change: 'test', index, text: 'ü € \u2028', nested: { b: 1, a: [1.5, null] } },
  }));
  await inTransaction(database.pool, (db) => audit.append(db, chainId, events));
  return chainId;
}

async function exported(asked: Partial<ExportAsked> = {}): Promise<string[]> {
  const parts = { pool: database.pool, audit, signer };
  let text = '';
  for await (const part of await exportAudit(parts, { ...everything, ...asked })) text += part;
  return text.trimEnd().split('\n');
}

async function* iterate(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(line);
}

function verify(lines: readonly string[], more: Partial<TrailQuestion> = {}) {
  const { publicKey: key } = signer;
  return verifyTrail({ lines: iterate(lines), key, earlier: undefined, ...more });
}

function faultsOf({ faults }: Pick<TrailVerdict, 'faults'>): string[] {
  return faults.map(({ line, fault }) => `${line} ${fault}`);
}

const lineOf = (text: string | undefined) => JSON.parse(text ?? '') as Line;
const actorOf = (text: string | undefined, actor: string) =>
  canonicalText({ ...lineOf(text), actor });

/** As somebody would who knows how hashes are made, and has no key: `upTo` lines get hashes that fit. */
function rehashed(lines: readonly string[], upTo: number): string[] {
  let previous = beginning;
  return lines.map((text, index) => {
    const line = lineOf(text);
    const hash = index < upTo ? hashOf(contentOf(line), previous) : line.hash;
    previous = hash;
    return canonicalText({ ...line, hash });
  });
}

/** The line of an event, counted from 1. */
function someEvent(lines: readonly string[]): number {
  return 3 + lines.slice(2).findIndex((text) => lineOf(text).kind === 'event');
}

describe('an export', () => {
  test('that nobody touched is complete, and verified by its own key too', async () => {
    const lines = await exported();
    const verdict = await verify(lines);
    expect(verdict).toMatchObject({ faults: [], further: 0, lines: lines.length });
    expect(verdict.events).toBeGreaterThanOrEqual(8);
    expect(verdict.chains).toBeGreaterThanOrEqual(3);
    expect((await verify(lines, { key: undefined })).faults).toEqual([]);
  });

  const tampering: [string, (lines: string[], at: number) => string[], (at: number) => string[]][] =
    [
      [
        'a changed line',
        (lines, at) => lines.with(at - 1, actorOf(lines[at - 1], 'other')),
        (at) => [`${at} changed`],
      ],
      [
        'a changed line with a hash that fits',
        (lines, at) => rehashed(lines.with(at - 1, actorOf(lines[at - 1], 'other')), at),
        (at) => [`${at + 1} changed`],
      ],
      ['a removed line', (lines, at) => lines.toSpliced(at - 1, 1), (at) => [`${at} missing`]],
      [
        'two lines that changed places',
        (lines, at) => lines.toSpliced(at - 1, 2, lines[at] ?? '', lines[at - 1] ?? ''),
        (at) => [`${at} out-of-place`],
      ],
      [
        'a line that stands there twice',
        (lines, at) => lines.toSpliced(at, 0, lines[at - 1] ?? ''),
        (at) => [`${at} out-of-place`],
      ],
      [
        'a line in other words',
        (lines, at) => lines.with(at - 1, (lines[at - 1] ?? '').replace('":', '": ')),
        (at) => [`${at} changed`],
      ],
      [
        'a name that stands twice in a line',
        (lines, at) => lines.with(at - 1, (lines[at - 1] ?? '').replace('{', '{"actor":"other",')),
        (at) => [`${at} changed`],
      ],
      [
        'a line that is none',
        (lines, at) => lines.with(at - 1, '{"kind":'),
        (at) => [`${at} unreadable`],
      ],
      [
        'several of them at once',
        (lines, at) =>
          lines
            .with(at - 1, actorOf(lines[at - 1], 'other'))
            .toSpliced(at + 1, 1)
            .slice(0, -1),
        (at) => [`${at} changed`, `${at + 2} missing`, 'last truncated'],
      ],
    ];
  test.each(tampering)('with %s: the line is named', async (_, tamper, expected) => {
    const lines = await exported();
    const at = someEvent(lines);
    const wanted = expected(at).map((fault) => fault.replace('last', String(lines.length - 1)));
    expect(faultsOf(await verify(tamper(lines, at)))).toEqual(wanted);
  });

  test('with every hash made anew: the checkpoint is not signed', async () => {
    const lines = await exported();
    const at = someEvent(lines);
    const forged = rehashed(lines.with(at - 1, actorOf(lines[at - 1], 'x')), lines.length);
    expect(faultsOf(await verify(forged))).toEqual([`${lines.length} badly-signed`]);
  });

  test('that was cut off anywhere says so, and so does one with more at its end', async () => {
    const lines = await exported();
    expect(faultsOf(await verify([]))).toEqual(['1 unreadable', '1 truncated']);
    for (const length of [1, 4, lines.length - 1])
      expect(faultsOf(await verify(lines.slice(0, length)))).toEqual([`${length} truncated`]);
    const last = lines.at(-1) ?? '';
    const half = [...lines.slice(0, -1), last.slice(0, 40)];
    expect(faultsOf(await verify(half))).toEqual([
      `${lines.length} unreadable`,
      `${lines.length} truncated`,
    ]);
    expect(faultsOf(await verify([...lines, last]))).toEqual([`${lines.length + 1} after-the-end`]);
  });

  test('that somebody else signed is not taken for one of ours', async () => {
    const lines = await exported();
    const wrong = await verify(lines, { key: forger.publicKey });
    expect(faultsOf(wrong)).toEqual(['1 other-key', `${lines.length} badly-signed`]);
  });

  test('a file that is something else is told at once, and not line by line for ever', async () => {
    const { faults, further } = await verify(Array.from({ length: 300 }, () => 'no export'));
    expect([faults.length, further]).toEqual([100, 202]);
  });

  test('of many pages is whole while others write, each chain as it was when it was reached', async () => {
    const chainId = await append(randomUUID(), 1_203);
    const parts = { pool: database.pool, audit, signer };
    let text = '';
    let count = 0;
    for await (const part of await exportAudit(parts, everything)) {
      if ((count += 1) % 100 === 0) await append(chainId, 2);
      text += part;
    }
    const lines = text.trimEnd().split('\n');
    const verdict = await verify(lines);
    expect(verdict.faults).toEqual([]);
    expect(verdict.ends.get(chainId)?.last).toBeGreaterThanOrEqual(1_203);
    const checkpoints = lines.filter((line) => lineOf(line).kind === 'checkpoint');
    expect(checkpoints.length).toBeGreaterThanOrEqual(2);
    const later = await verify(await exported(), { earlier: verdict });
    expect(later.faults).toEqual([]);
  });
});

describe('a later export', () => {
  async function since(moment: Date): Promise<string[]> {
    return exported({ from: moment });
  }

  test('goes on from an earlier one, whole or only what is new', async () => {
    const chainId = await append(randomUUID(), 3);
    const earlier = await verify(await exported());
    const moment = new Date();
    await append(chainId, 2);
    const whole = await verify(await exported(), { earlier });
    const rest = await verify(await since(moment), { earlier });
    expect([whole.faults, rest.faults]).toEqual([[], []]);
    expect(rest.events).toBeLessThan(whole.events);
    expect(rest.ends.get(chainId)?.last).toBe(5);
  });

  test('does not where events between them are in neither', async () => {
    const chainId = await append(randomUUID(), 3);
    const earlier = await verify(await exported());
    await append(chainId, 1);
    await new Promise((resolve) => setTimeout(resolve, 2));
    const moment = new Date();
    await append(chainId, 1);
    const { faults } = await verify(await since(moment), { earlier });
    expect(faults).toContainEqual(
      expect.objectContaining({
        fault: 'not-continued',
        told: 'begins with event 5, and the earlier export ends with 3',
      }),
    );
  });

  test('does not where the earlier one is the later one', async () => {
    const chainId = await append(randomUUID(), 3);
    const first = await exported();
    await append(chainId, 1);
    const earlier = await verify(await exported());
    const { faults } = await verify(first, { earlier });
    expect(faults.map(({ told }) => told)).toContain(
      `ends without event 4 of chain ${chainId}, which the earlier export holds`,
    );
  });

  test('does not where history was written anew, with hashes and MACs that fit', async () => {
    const own = await openDatabase();
    const chainId = randomUUID();
    const lines = async (): Promise<string[]> => {
      let text = '';
      const parts = { pool: own.pool, audit, signer };
      for await (const part of await exportAudit(parts, everything)) text += part;
      return text.trimEnd().split('\n');
    };
    const write = (what: string) =>
      inTransaction(own.pool, (db) =>
        audit.append(db, chainId, [{ actor: 'tester', event: { what } }]),
      );
    await write('what happened');
    const earlier = await verify(await lines());
    for (const table of ['audit', 'audit_heads']) {
      await own.ownerPool.query(`alter table rotor.${table} disable trigger user`);
      await own.ownerPool.query(`delete from rotor.${table} where chain_id = $1`, [chainId]);
    }
    await write('what did not');
    const { faults } = await verify(await lines(), { earlier });
    await own.close();
    expect(faults.map(({ told }) => told)).toEqual([
      'has another event there than the earlier export: history was rewritten',
    ]);
  });
});

describe('an export of a trail that was tampered with in the database', () => {
  const tampering = {
    'a changed event': {
      statement: `update rotor.audit set actor = 'x' where chain_id = $1 and seq = 2`,
      told: 'event 2 of chain * is changed-or-inserted',
    },
    'a removed event': {
      statement: 'delete from rotor.audit where chain_id = $1 and seq = 2',
      told: 'event 2 of chain * is missing',
    },
    'the last event removed': {
      statement: 'delete from rotor.audit where chain_id = $1 and seq = 4',
      told: 'event 4 of chain * is last-events-missing',
    },
    'a removed head': {
      statement: 'delete from rotor.audit_heads where chain_id = $1',
      told: 'event 4 of chain * is head-missing',
    },
  };
  test.each(Object.entries(tampering))('%s: it says so itself', async (_, { statement, told }) => {
    const own = await openDatabase();
    const chainId = randomUUID();
    const events = Array.from({ length: 4 }, () => ({ actor: 'tester', event: {} }));
    await inTransaction(own.pool, (db) => audit.append(db, chainId, events));
    await own.ownerPool.query('alter table rotor.audit disable trigger user');
    await own.ownerPool.query(statement, [chainId]);
    let text = '';
    for await (const part of await exportAudit({ pool: own.pool, audit, signer }, everything))
      text += part;
    const { faults } = await verify(text.trimEnd().split('\n'));
    await own.close();
    expect(faults).toEqual([
      expect.objectContaining({
        fault: 'recorded-fault',
        told: `says what rotor found: ${told.replace('*', chainId)}`,
      }),
    ]);
  });
});
