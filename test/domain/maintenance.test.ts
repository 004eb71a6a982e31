import { describe, expect, test } from '@jest/globals';
import type { DecisionFacts, Facts } from '../../domain/facts.js';
import { blockersToCutOver, blockersToRevoke } from '../../domain/gate.js';
import { closedAt, type Maintenance } from '../../domain/maintenance.js';
import { planRun } from '../../domain/plan.js';
import { standardPolicy } from '../../domain/policy.js';
import { decideDisable } from '../../domain/steps/disable.js';
import { beginDelivery } from '../../domain/steps/update.js';
import { decideWindow } from '../../domain/steps/window.js';
import { calendar } from '../../infra/calendar.js';
import { ago, day, dependency, facts, moved, now, run, version } from './facts.js';

const nights: Maintenance = {
  zone: 'Europe/Berlin',
  windows: [{ days: ['tue', 'thu'], from: '22:00', to: '02:00' }],
  blackouts: [{ from: '2026-12-20', to: '2027-01-06', reason: 'freeze' }],
};
const at = (moment: string, limits = nights) => closedAt(new Date(moment), limits, calendar);

describe('a maintenance window', () => {
  test('is open from its first minute on, over midnight, and no longer', () => {
    expect(at('2026-12-01T20:59:59Z')?.until).toEqual(new Date('2026-12-01T21:00:00Z'));
    expect(at('2026-12-01T21:00:00Z')).toBeUndefined();
    expect(at('2026-12-02T00:59:59Z')).toBeUndefined();
    expect(at('2026-12-02T01:00:00Z')?.until).toEqual(new Date('2026-12-03T21:00:00Z'));
  });

  test('says why it is closed and when it opens, by the clock on the wall', () => {
    expect(at('2026-12-02T12:00:00Z')?.told).toBe(
      'outside the maintenance windows; it opens at 2026-12-03 22:00 Europe/Berlin',
    );
    expect(at('2026-12-22T22:00:00Z')?.told).toBe(
      'blackout until 2027-01-06: freeze; outside the maintenance windows; it opens at 2027-01-07 22:00 Europe/Berlin',
    );
  });

  test('may be years away', () => {
    const blackouts = [{ from: '2000-01-01', to: '9998-12-31', reason: 'for ever' }];
    const windows = [{ days: ['tue'] as const, from: '22:00', to: '23:00' }];
    const never = at('2026-12-02T12:00:00Z', { zone: 'UTC', windows, blackouts });
    expect(never?.until?.getUTCFullYear()).toBe(9999);
  });
});

const opens = new Date(now.getTime() + 3_600_000);
const closed = { until: opens, told: 'outside the maintenance windows' };
const policy = { ...standardPolicy, maintenance: nights };
const shut = (more: Partial<Facts> = {}): Facts => facts({ policy, closed, ...more });
const said: DecisionFacts = {
  decisionId: 'd',
  kind: 'ignore-window',
  dependencyId: undefined,
  by: 'ann',
  reason: 'the app is broken',
  at: now,
  read: true,
};

describe('while it is closed', () => {
  test('nothing is made, delivered, disabled, replaced in place or revoked', () => {
    const waits = { kind: 'wait', until: opens.toISOString() };
    expect(decideWindow(shut()).result).toMatchObject(waits);
    expect(beginDelivery(shut({ deliveries: [] }), 'billing').result).toMatchObject({
      kind: 'answer',
      answer: waits,
    });
    expect(decideDisable(shut(), 'e').result).toMatchObject({ kind: 'answer', answer: waits });
    const outside = [{ code: 'outside-window', until: opens }];
    expect(blockersToRevoke(shut(), 'v1', { openUse: undefined })).toMatchObject(outside);
    const codes = blockersToCutOver(shut(), 'v1').map(({ code }) => code);
    expect(codes).toContain('outside-window');
  });

  test('who has the new value already is proven', () => {
    const given = { ...moved('billing'), movedAt: undefined, evidence: undefined };
    const order = beginDelivery(shut({ deliveries: [given], uses: [] }), 'billing').result;
    expect(order.kind).toBe('deliver');
  });

  test('what was disabled in a window is watched until the next one opens', () => {
    const disabled = version(1, {
      state: 'disabled',
      disabledAt: ago(3 * day),
      disabledUntil: new Date(now.getTime() + day),
    });
    const versions = [disabled, version(2, { current: true, confirmedAt: ago(9 * day) })];
    expect(decideDisable(shut({ versions }), 'e').result).toMatchObject({
      answer: { kind: 'wait' },
    });
    expect(decideDisable(shut({ versions, closed: undefined }), 'e').result).toMatchObject({
      answer: { kind: 'done' },
    });
  });

  test('a leak is contained, a run is rolled back, and a person may say that a run need not wait', () => {
    const live = { openUse: undefined };
    const contained = shut({ run: { ...run, kind: 'compromise' } });
    expect(blockersToRevoke(contained, 'v1', live)).toEqual([]);
    const back = run.plan && { ...run, plan: { ...run.plan, direction: 'back' as const } };
    expect(decideWindow(shut({ run: back ?? run })).result.kind).toBe('done');
    const decided = shut({ run: { ...run, decisions: [said] } });
    expect(decideWindow(decided).result.kind).toBe('done');
    expect(blockersToRevoke(decided, 'v1', live)).toEqual([]);
  });
});

test('the plan waits for a window before it makes anything, and not once it is made', () => {
  const fresh = facts({ policy, versions: [version(1, { current: true })], deliveries: [] });
  expect(planRun(fresh).steps.slice(0, 2)).toEqual(['window', 'create']);
  expect(planRun(facts({ policy })).steps).not.toContain('window');
  const contains = { ...fresh, run: { ...fresh.run, kind: 'compromise' as const } };
  expect(planRun(contains).steps).not.toContain('window');
  expect(planRun({ ...fresh, policy: standardPolicy }).steps).not.toContain('window');
  expect(planRun({ ...fresh, dependencies: [dependency('a')] }).steps[0]).toBe('window');
});
