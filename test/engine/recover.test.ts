import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { recoveryRun, startRecovery } from '../../client/recovery.js';
import { startSweep } from '../../client/sweep.js';
import type { RecoveryOrder, RecoveryTold } from '../../domain/recovery.js';
import { noticeSetBack, recoveryState } from '../../infra/registry/recovery.js';
import { eventually } from '../faults/installation.js';
import { backUp, setBack } from '../faults/set-back.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

let world: World;
afterEach(() => world.close());

function temporal() {
  return { client: world.client, taskQueue: world.taskQueue };
}

async function recover(more: Partial<RecoveryOrder> = {}): Promise<RecoveryTold> {
  const order = { dryRun: false, without: [], by: 'ann', reason: 'a disk was lost', ...more };
  const { workflowId } = await startRecovery(temporal(), order);
  await world.client.workflow.getHandle(workflowId).result();
  const { told } = await recoveryRun(temporal());
  if (told === undefined) throw new Error('no result');
  return told;
}

async function sweep(): Promise<unknown> {
  const { workflowId } = await startSweep(temporal());
  return world.client.workflow.getHandle(workflowId).result();
}

async function isRecovering(): Promise<boolean> {
  return (await recoveryState(world.database.pool)).recovering;
}

/** A secret in use, and a backup of before its next rotation. */
async function open(overlapMs = 0): Promise<ReturnType<typeof keepUsing>> {
  world = await openWorld({ ...quickPolicy, overlapMs });
  const { value } = await world.adopt();
  await world.depend('billing');
  world.connector.places.set('billing', value);
  await backUp(world.database.ownerPool);
  return keepUsing(world, ['billing'], () => undefined);
}

async function rotated(): Promise<void> {
  const runId = await world.ask('rotate');
  await eventually(async () => (await world.run(runId))['outcome'] === 'succeeded');
  await world.result();
}

function whats({ rows }: RecoveryTold): string[] {
  return rows.map(({ what }) => what).sort();
}

test('a run that the registry lost shows the set-back: nothing is revoked until it is recovered, and then all goes on', async () => {
  const using = await open(60_000);
  const lost = await world.ask('rotate');
  await eventually(async () => (await world.versions()).includes('v2 active current'));
  // For the overlap, or for the last use of the old one.
  await eventually(async () => typeof (await world.run(lost))['waits_code'] === 'string');
  await world.withoutWorker(() => setBack(world.database.ownerPool));
  await world.tell();
  await eventually(isRecovering);
  expect(await world.findings()).toContain('recovering');

  await world.database.ownerPool.query('update rotor.policies set policy = $1', [quickPolicy]);
  const held = await world.ask('rotate');
  await eventually(async () => (await world.run(held))['waits_code'] === 'recovering');
  expect(world.issuer.live.size).toBe(3);
  expect(await sweep()).toMatchObject({ outcome: 'recovering' });

  const seen = await world.versions();
  expect(await recover({ dryRun: true })).toMatchObject({ outcome: 'dry-run', notAsked: [] });
  expect([await world.versions(), await isRecovering()]).toEqual([seen, true]);
  const told = await recover();
  expect(told).toMatchObject({ outcome: 'recovered', secrets: 1 });
  expect(whats(told)).toEqual(['adopted']);
  expect(await isRecovering()).toBe(false);

  // Asked for since: it goes on by itself.
  await eventually(async () => (await world.run(held))['outcome'] === 'succeeded');
  await eventually(() => Promise.resolve(world.issuer.live.size === 1));
  using.stop();
  expect(using.refused).toEqual([]);
  expect(await world.findings()).not.toContain('recovering');
});

test('a compromise that is asked for meanwhile goes on by itself; one of the backup ends, and stays in sight', async () => {
  world = await openWorld(quickPolicy);
  const { value } = await world.adopt();
  await world.depend('billing');
  world.connector.places.set('billing', value);
  const using = keepUsing(world, ['billing'], () => undefined);
  world.issuer.trouble.down = 1_000;
  const before = await world.ask('compromise', { everyVersion: true });
  await eventually(async () => (await world.run(before))['state'] === 'running');
  await world.withoutWorker(async () => {
    await backUp(world.database.ownerPool);
    await setBack(world.database.ownerPool);
    await noticeSetBack(world.withholdingParts, 'the test set it back');
  });
  world.issuer.trouble.down = 0;
  const order = { dryRun: true, without: [], by: 'ann', reason: 'x' };
  expect(whats(await recover(order))).toContain('run-ended');
  await recover();
  expect(await world.run(before)).toMatchObject({ state: 'ended', outcome: 'superseded' });
  expect(await world.findings()).toContain('compromise-unfinished');
  expect(await world.versions()).toEqual(['v1 active current']);

  await noticeSetBack(world.withholdingParts, 'once more');
  const since = await world.ask('compromise', { everyVersion: true });
  await eventually(async () => (await world.run(since))['waits_code'] === 'recovering');
  const told = await recover();
  expect(whats(told)).not.toContain('run-ended');
  await eventually(async () => (await world.run(since))['outcome'] === 'succeeded');
  using.stop();
  expect(await world.versions()).toEqual(['v1 revoked', 'v2 active current']);
  await sweep();
  expect(await world.findings()).not.toContain('compromise-unfinished');
});

test('a sweep that meets a tag without a row notices it; where the current version is gone, the newest takes its place', async () => {
  const using = await open();
  await rotated();
  await world.withoutWorker(() => setBack(world.database.ownerPool));
  await sweep();
  expect(await isRecovering()).toBe(true);
  // Nothing was ended, and no orphan was made of it.
  expect(await world.versions()).toEqual(['v1 active current']);
  expect(whats(await recover())).toEqual(['adopted', 'gone']);
  expect(await world.versions()).toEqual(['v1 ended', 'v2 active current']);
  const { rows } = await world.database.pool.query(
    `select v.id, v.value, v.credential_id from rotor.versions v where ordinal = 2`,
  );
  const [tag] = [...world.issuer.live.values()].map((credential) => credential.tag);
  expect(rows).toEqual([
    { id: tag?.split('/')[1], value: 'unknown', credential_id: [...world.issuer.live.keys()][0] },
  ]);
  await rotated();
  await eventually(() => Promise.resolve(world.issuer.live.size === 1));
  using.stop();
  expect(using.refused).toEqual([]);
  expect(await world.versions()).toEqual(['v1 ended', 'v2 revoked', 'v3 active current']);
});

test('a version that the backup has as named only is in use: it is not ended as never delivered', async () => {
  const using = await open();
  await rotated();
  const { rows } = await world.database.pool.query<{ id: string }>(
    'select id from rotor.versions where ordinal = 2',
  );
  const id = rows[0]?.id ?? '';
  await world.withoutWorker(async () => {
    await setBack(world.database.ownerPool);
    await world.store.destroy(id);
    await world.database.ownerPool.query(
      `insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
       values ($1, $2, 2, 'pending', 'minted', 'unknown')`,
      [id, world.secretId],
    );
  });
  expect(whats(await recover())).toEqual(['gone', 'minted']);
  expect(await world.versions()).toEqual(['v1 ended', 'v2 active']);
  await rotated();
  await eventually(() => Promise.resolve(world.issuer.live.size === 1));
  using.stop();
  expect(using.refused).toEqual([]);
  const { rows: grants } = await world.database.pool.query<{ basis: string }>(
    'select basis from rotor.grants where version_id = $1',
    [id],
  );
  expect(new Set(grants.map(({ basis }) => basis))).toEqual(new Set(['proven-unused']));
});

test('of two credentials of one version the first becomes it, and the other is told as what it is', async () => {
  const using = await open();
  using.stop();
  const [named, lost] = [randomUUID(), randomUUID()];
  await world.database.ownerPool.query(
    `insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
     values ($1, $2, 2, 'pending', 'minted', 'unknown')`,
    [named, world.secretId],
  );
  for (const id of [named, named, lost, lost]) world.issuer.plant(`${world.installation}/${id}`);
  const all = ['adopted', 'minted', 'orphan', 'orphan'];
  expect(whats(await recover({ dryRun: true })).sort()).toEqual(all);
  const told = await recover();
  expect(whats(told).sort()).toEqual(all);
  const { rows } = await world.database.pool.query<{ credential_id: string }>(
    `select credential_id from rotor.versions where id = any($1) and state = 'active'`,
    [[named, lost]],
  );
  expect(rows.map((row) => row.credential_id).sort()).toEqual(
    told.rows
      .filter(({ what }) => what !== 'orphan')
      .map(({ about }) => about)
      .sort(),
  );
});

test('an issuer that cannot be asked keeps it recovering, until somebody says that it is left out', async () => {
  const using = await open();
  using.stop();
  world.issuer.plant(`${world.installation}/${randomUUID()}`);
  world.issuer.trouble.down = 1_000;
  expect(await recover()).toMatchObject({
    outcome: 'still-recovering',
    notAsked: [{ issuer: 'main', why: expect.any(String) }],
  });
  expect(await isRecovering()).toBe(true);
  expect(await recover({ without: ['main'] })).toMatchObject({ outcome: 'recovered', rows: [] });
  world.issuer.trouble.down = 0;
  await sweep();
  expect(await isRecovering()).toBe(true);
  expect(whats(await recover())).toEqual(['adopted']);
  expect(await world.audit.verify(world.database.pool)).toMatchObject({ faults: [] });
});
