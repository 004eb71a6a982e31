import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ensureSweepSchedule, startSweep, sweepState } from '../../client/sweep.js';
import { RotorError } from '../../domain/errors.js';
import { sweepScheduleId, type SweepTold } from '../../domain/sweep/progress.js';
import { eventually } from '../faults/installation.js';
import { openWorld, quickPolicy, type World } from './world.js';

let world: World;
afterEach(() => world.close());

function temporal() {
  return { client: world.client, taskQueue: world.taskQueue };
}

async function sweep(): Promise<SweepTold> {
  const { workflowId } = await startSweep(temporal());
  return (await world.client.workflow.getHandle(workflowId).result()) as SweepTold;
}

/** Without what every secret of these tests lacks. */
async function found(): Promise<string[]> {
  const codes = (await world.findings()).filter((code) => code !== 'undocumented');
  return codes.sort();
}

describe('a sweep that asks the issuer', () => {
  test('finds what nobody knows, a second one of a version, what is gone; and closes it by the facts', async () => {
    world = await openWorld();
    const { versionId } = await world.adopt();
    const foreign = world.issuer.plant();
    world.issuer.plant(`${world.installation}/${versionId}`);
    expect(await sweep()).toMatchObject({ outcome: 'swept', secrets: 1, notAsked: [] });
    expect(await found()).toEqual(['orphan-credential', 'unknown-credential']);
    expect(await world.versions()).toEqual(['v1 active current', 'v2 active']);
    // Nothing was ended: an orphan ends through the gate.
    expect(world.issuer.live.size).toBe(3);
    world.issuer.remove(foreign);
    const [current] = world.issuer.live.keys();
    world.issuer.remove(String(current));
    expect(await sweep()).toMatchObject({ closed: 1 });
    expect(await found()).toEqual(['ended-elsewhere', 'orphan-credential']);
    expect(await world.versions()).toEqual(['v1 ended', 'v2 active']);
    const { opened } = await sweep();
    expect(opened).toBe(0);
  });

  test('a version past its date ends as expired', async () => {
    world = await openWorld();
    const { versionId } = await world.adopt();
    const [credentialId = ''] = world.issuer.live.keys();
    world.issuer.remove(credentialId);
    await world.database.ownerPool.query(
      `update rotor.versions set expires_at = now() - interval '1 minute' where id = $1`,
      [versionId],
    );
    await sweep();
    expect(await world.versions()).toEqual(['v1 ended']);
    const { rows } = await world.database.pool.query(
      `select code, severity, message from rotor.findings where code = 'expired'`,
    );
    expect(rows).toEqual([
      {
        code: 'expired',
        severity: 'critical',
        message: 'v1 expired 1 minutes ago, and nothing took its place',
      },
    ]);
  });

  test('one that is away is a finding of its own, and not the end of the sweep', async () => {
    world = await openWorld();
    const { value } = await world.adopt();
    await world.depend('billing');
    world.connector.places.set('billing', `${value} by hand`);
    world.issuer.trouble.down = 1_000;
    expect(await sweep()).toMatchObject({ outcome: 'swept', secrets: 1, notAsked: ['main'] });
    expect(await found()).toEqual(['foreign-value', 'issuer-not-asked']);
    world.issuer.trouble.down = 0;
    await sweep();
    expect(await found()).toEqual(['foreign-value']);
  });
});

test('an issuer that has lost what most secrets have is not believed: nothing ends', async () => {
  world = await openWorld();
  await world.adopt();
  await world.database.ownerPool.query(
    `with more as (
       insert into rotor.secrets (organization_id, name, owner, issuer, specification)
       select organization_id, 'more' || n, 'team', 'main', '{}'
       from rotor.secrets, generate_series(1, 8) n returning id, name)
     insert into rotor.versions (id, secret_id, ordinal, state, is_current, origin, value, credential_id, activated_at)
     select gen_random_uuid(), id, 1, 'active', true, 'adopted', 'unknown', name, now() from more`,
  );
  expect(await sweep()).toMatchObject({ outcome: 'swept', notAsked: ['main'] });
  expect(await found()).toContain('issuer-implausible');
  expect(new Set(await world.versions())).toEqual(new Set(['v1 active current']));
  await world.database.ownerPool.query(
    `update rotor.secrets set retired_at = now() where name <> 'more1' and name <> 'api'`,
  );
  await sweep();
  expect(await found()).not.toContain('issuer-implausible');
  expect((await world.versions()).filter((version) => version === 'v1 ended')).toHaveLength(1);
});

describe('a sweep that looks at destinations', () => {
  test('finds old, foreign, missing and unreadable ones, writes nothing there, and closes them', async () => {
    world = await openWorld();
    const { value } = await world.adopt();
    const old = await world.adopt({ ordinal: 2, current: false });
    await world.depend('billing');
    const { places } = world.connector;
    const holds = async (text: string) => {
      places.set('billing', text);
      await sweep();
      expect(places.get('billing')).toBe(text);
      return found();
    };
    expect(await holds(old.value)).toEqual(['old-value']);
    expect(await holds('written by hand')).toEqual(['foreign-value']);
    expect(await holds(value)).toEqual([]);
    const { rows } = await world.database.pool.query<{ text: string }>(
      'select row_to_json(f)::text as text from rotor.findings f',
    );
    expect(rows.map(({ text }) => text).join()).not.toContain('written by hand');
    const broken = new RotorError('broken', 'not as it should be', { kind: 'failed' });
    Object.assign(world.connector, { held: () => Promise.reject(broken) });
    expect(await sweep()).toMatchObject({ outcome: 'swept', secrets: 1, brokeOff: true });
  });

  test('the place of a retired dependent that still holds what lives is a leftover', async () => {
    world = await openWorld();
    const { value } = await world.adopt();
    const dependencyId = await world.depend('billing');
    world.connector.places.set('billing', value);
    await world.database.ownerPool.query(
      'update rotor.dependencies set retired_at = now() where id = $1',
      [dependencyId],
    );
    await sweep();
    expect(await found()).toEqual(['retired-leftover']);
    world.connector.places.delete('billing');
    await sweep();
    expect(await found()).toEqual([]);
  });
});

test('a secret that a run has is left to its run', async () => {
  world = await openWorld({ ...quickPolicy, overlapMs: 60_000 });
  await world.adopt();
  await world.depend('billing', { evidence: 'read-back' });
  const runId = await world.ask('rotate');
  await eventually(async () => (await world.run(runId))['waits_code'] === 'overlap');
  world.connector.places.set('billing', 'written by hand');
  world.issuer.plant(`${world.installation}/${randomUUID()}`);
  expect(await sweep()).toMatchObject({ outcome: 'swept', secrets: 1 });
  expect(await found()).toEqual([]);
  expect(await world.versions()).toEqual(['v1 retiring', 'v2 active current']);
});

test('an installation that is recovering is not swept', async () => {
  world = await openWorld();
  await world.adopt();
  world.issuer.plant();
  await world.database.ownerPool.query('update rotor.installation set recovering = true');
  expect(await sweep()).toMatchObject({ outcome: 'recovering', secrets: 0 });
  expect(await world.findings()).toEqual([]);
});

test('daily by a schedule that is made once, and whoever asks meanwhile joins', async () => {
  world = await openWorld();
  await world.adopt();
  expect(await sweepState(temporal())).toMatchObject({ running: false, told: undefined });
  await ensureSweepSchedule(temporal());
  await ensureSweepSchedule(temporal());
  const schedule = world.client.schedule.getHandle(sweepScheduleId(world.taskQueue));
  world.issuer.trouble.slowMs = 300;
  await schedule.trigger();
  await eventually(async () => (await sweepState(temporal())).running);
  const { startedAt } = await sweepState(temporal());
  expect(await startSweep(temporal())).toMatchObject({ running: true, startedAt });
  await eventually(async () => (await sweepState(temporal())).told !== undefined);
  expect((await sweepState(temporal())).told).toMatchObject({ outcome: 'swept', secrets: 1 });
  await schedule.delete();
});
