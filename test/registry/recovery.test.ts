import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAudit } from '../../infra/registry/audit.js';
import { openRecoveryBook, recoveryState } from '../../infra/registry/recovery.js';
import { openPulse } from '../../workers/pulse.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

const audit = openAudit(Buffer.alloc(32, 1));
const order = { dryRun: false, without: [], by: 'ann', reason: 'a disk was lost' };

let database: TestDatabase;
let stateFolder: string;
beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
});
afterEach(() => rmSync(stateFolder, { recursive: true }));

const started = () => openPulse({ pool: database.pool, audit, stateFolder });

async function isRecovering(): Promise<boolean> {
  return (await recoveryState(database.pool)).recovering;
}

async function pulse(): Promise<{ life: string; beat: string }> {
  const { rows } = await database.pool.query<{ life: string; beat: string }>(
    'select life, beat from rotor.pulse',
  );
  return rows[0] ?? { life: '', beat: '' };
}

async function setTo({ life, beat }: Awaited<ReturnType<typeof pulse>>): Promise<void> {
  await database.ownerPool.query('update rotor.pulse set life = $1, beat = $2', [life, beat]);
}

test('two workers of a machine, and one that starts again, see the same life of a database', async () => {
  const [one, other] = [started(), started()];
  for (const beat of [one, other, other, one, started(), one]) await beat();
  expect(await isRecovering()).toBe(false);
});

test('a set-back is noticed by who lived through it, and by who starts after it; once recovered it is over', async () => {
  const recovery = openRecoveryBook({ pool: database.pool, audit });
  const living = started();
  await living();
  const backup = await pulse();
  await living();
  for (const beat of [living, started()]) {
    await setTo(backup);
    await beat();
    expect(await isRecovering()).toBe(true);
    await recovery.end(order, {});
    for (const again of [beat, living, started()]) await again();
    expect(await isRecovering()).toBe(false);
  }
  // Set back once more, to before it was recovered.
  await setTo(backup);
  await living();
  expect(await isRecovering()).toBe(true);
  await recovery.end(order, {});
  for (const again of [living, started()]) await again();
  expect(await isRecovering()).toBe(false);
});

test('it is noticed once, told once, and in the trail', async () => {
  const recovery = openRecoveryBook({ pool: database.pool, audit });
  await recovery.noticeSetBack('the first cause');
  await recovery.noticeSetBack('another cause');
  expect((await recoveryState(database.pool)).cause).toBe('the first cause');
  const { rows } = await database.pool.query(
    `select f.severity, f.closed_at, (select count(*)::int from rotor.audit a
       where a.event->>'change' = 'recovering-began' and a.event->>'cause' = 'the first cause') as noted
     from rotor.findings f where f.code = 'recovering'`,
  );
  expect(rows).toEqual([{ severity: 'critical', closed_at: null, noted: 1 }]);
});
