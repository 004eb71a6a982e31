import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { bringBack } from '../../activities/disable.js';
import { renewLeases } from '../../activities/renew-leases.js';
import type { Issuer } from '../../domain/issuer.js';
import { broughtBack } from '../../domain/steps/disable.js';
import { eventually } from '../faults/installation.js';
import { openWorld, quickPolicy, type World } from './world.js';

const skewMs = 600_000;
let world: World;
let old: { readonly value: string; readonly versionId: string };
let runId: string;
let told: unknown[];

/** A run that holds the old version disabled, for longer than any test here. */
beforeEach(async () => {
  told = [];
  world = await openWorld({ ...quickPolicy, disablePeriodMs: 600_000 }, { skewMs });
  old = await world.adopt();
  runId = await world.ask('rotate');
  await eventually(async () => (await world.versions()).includes('v1 disabled'));
});
afterEach(() => world.close());

async function renew(more: Partial<Issuer> = {}, runIds = [runId]): Promise<void> {
  const due = runIds.map((id) => ({ runId: id, versionId: old.versionId }));
  const registry = { ...world.registry, dueLeases: () => Promise.resolve(due) };
  const warn = (_message: string, about: unknown): number => told.push(about);
  await renewLeases({ registry, warn }, 'main', { ...world.issuer, ...more });
}

async function disabledUntil(): Promise<number> {
  const { rows } = await world.database.pool.query<{ disabled_until: Date }>(
    'select disabled_until from rotor.versions where id = $1',
    [old.versionId],
  );
  return rows[0]?.disabled_until.getTime() ?? 0;
}

const works = (): boolean => world.issuer.use(old.value, { userAgent: 'rarely' });

test('a lease that cannot be renewed is told, and the next one is renewed; each by the clock of whom it is given to', async () => {
  const before = await disabledUntil();
  const given: number[] = [];
  const gone = randomUUID();
  const disable: Issuer['disable'] = async (ref, until) => {
    given.push(until.getTime());
    await world.issuer.disable?.(ref, until);
  };

  await renew({ disable }, [gone, runId]);

  expect(told).toEqual([{ runId: gone, versionId: old.versionId, code: 'no-such-run' }]);
  const after = await disabledUntil();
  expect(after).toBeGreaterThan(before);
  expect(given).toHaveLength(1);
  expect((given[0] ?? 0) - after).toBeGreaterThan(skewMs / 2);
  expect(works()).toBe(false);
});

test('the run enables while a renewal is under way: it works in the end', async () => {
  const before = await disabledUntil();
  const disable: Issuer['disable'] = async (ref, until) => {
    await world.issuer.enable?.(ref);
    await world.registry.decide(runId, (now) => broughtBack(now, old.versionId));
    await world.issuer.disable?.(ref, until);
  };

  await renew({ disable });

  expect(before).toBeGreaterThan(0);
  expect(works()).toBe(true);
  expect(told).toEqual([]);
});

test('a renewal gets between the enabling of a run and its record: it works in the end', async () => {
  let calls = 0;
  const enable: Issuer['enable'] = async (ref) => {
    calls += 1;
    await world.issuer.enable?.(ref);
    if (calls === 1) await renew();
  };
  const ports = {
    registry: world.registry,
    issuer: () => ({ ...world.issuer, enable }),
    reached: () => undefined,
  };

  await bringBack(ports, await world.registry.read(runId), old.versionId);

  expect(works()).toBe(true);
});

test('what does not end by itself is never renewed', async () => {
  const before = await disabledUntil();
  await renew({ traits: { ...world.issuer.traits, disable: 'manual' } });
  expect(await disabledUntil()).toBe(before);
});
