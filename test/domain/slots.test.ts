import { describe, expect, test } from '@jest/globals';
import { standardSchedule, type Schedule, type ScheduleFacts } from '../../domain/schedule.js';
import { decideSlot, overdueSince } from '../../domain/slot-decision.js';
import { nextSlot, slotsToCome } from '../../domain/slots.js';
import { calendar } from '../../infra/calendar.js';

function factsOf(schedule: Partial<Schedule>, more: Partial<ScheduleFacts> = {}): ScheduleFacts {
  const since = more.since ?? new Date('2026-01-01T00:00:00Z');
  return {
    now: since,
    secretId: '6f1f6c86-4b51-4f0e-9f0a-6a2f2a1c8a11',
    schedule: {
      ...standardSchedule,
      rule: { kind: 'calendar', cron: '0 10 * * *', said: 'daily 10:00' },
      windows: [],
      blackouts: [],
      atMostAtOnce: {},
      ...schedule,
    },
    since,
    paused: undefined,
    pausedInTemporal: undefined,
    rotatedAt: undefined,
    expiresAt: undefined,
    mintedAt: undefined,
    known: [],
    settledLongAgo: undefined,
    ...more,
  };
}

function cron(text: string): Schedule['rule'] {
  return { kind: 'calendar', cron: text, said: text };
}

/** `slot → moment why`. */
function told(facts: ScheduleFacts, count: number): string[] {
  const found: string[] = [];
  for (const { slot, at, moves } of slotsToCome(facts, calendar)) {
    const why = moves.map((move) => move.why).join(' ');
    found.push(`${slot} → ${at.toISOString().slice(0, 16)}Z ${why}`.trim());
    if (found.length === count) break;
  }
  return found;
}

describe('on the days that clocks change, each local slot comes exactly once', () => {
  test.each<[string, string, string, string[]]>([
    [
      'Europe/Berlin',
      '2026-03-27T12:00:00Z',
      '30 2 * * *',
      [
        '2026-03-28T02:30 → 2026-03-28T01:30Z',
        '2026-03-29T02:30 → 2026-03-29T01:00Z missing-local-time',
        '2026-03-30T02:30 → 2026-03-30T00:30Z',
      ],
    ],
    [
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      '30 2 * * *',
      ['2026-10-25T02:30 → 2026-10-25T00:30Z', '2026-10-26T02:30 → 2026-10-26T01:30Z'],
    ],
    [
      'America/New_York',
      '2026-03-07T12:00:00Z',
      '15 2 * * *',
      [
        '2026-03-08T02:15 → 2026-03-08T07:00Z missing-local-time',
        '2026-03-09T02:15 → 2026-03-09T06:15Z',
      ],
    ],
    [
      'America/New_York',
      '2026-10-31T12:00:00Z',
      '30 1 * * *',
      ['2026-11-01T01:30 → 2026-11-01T05:30Z', '2026-11-02T01:30 → 2026-11-02T06:30Z'],
    ],
    [
      'Australia/Lord_Howe',
      '2026-10-03T00:00:00Z',
      '10 2 * * *',
      [
        '2026-10-04T02:10 → 2026-10-03T15:30Z missing-local-time',
        '2026-10-05T02:10 → 2026-10-04T15:10Z',
      ],
    ],
    [
      'Australia/Lord_Howe',
      '2026-04-04T00:00:00Z',
      '45 1 * * *',
      ['2026-04-05T01:45 → 2026-04-04T14:45Z', '2026-04-06T01:45 → 2026-04-05T15:15Z'],
    ],
  ])('%s, from %s on', (zone, since, ...[expression, expected]) => {
    const facts = factsOf({ zone, rule: cron(expression) }, { since: new Date(since) });
    expect(told(facts, expected.length)).toEqual(expected);
  });

  test.each([
    ['Europe/Berlin', '2026-10-25T00:45:00Z', '30 2 25 10 *'],
    ['America/New_York', '2026-11-01T05:45:00Z', '30 1 1 11 *'],
    ['Australia/Lord_Howe', '2026-04-04T14:50:00Z', '45 1 5 4 *'],
  ])('%s: what has come is not due again when the clock shows it again', (zone, since, text) => {
    const facts = factsOf({ zone, rule: cron(text) }, { since: new Date(since) });
    expect(nextSlot(facts, calendar)?.slot.slice(0, 4)).toBe('2027');
  });

  test('all slots of a missing hour move to the first valid minute, and keep their names', () => {
    const facts = factsOf(
      { zone: 'Europe/Berlin', rule: cron('*/30 1-3 * * *') },
      { since: new Date('2026-03-29T00:15:00Z') },
    );
    expect(told(facts, 4)).toEqual([
      '2026-03-29T01:30 → 2026-03-29T00:30Z',
      '2026-03-29T02:00 → 2026-03-29T01:00Z missing-local-time',
      '2026-03-29T02:30 → 2026-03-29T01:00Z missing-local-time',
      '2026-03-29T03:00 → 2026-03-29T01:00Z',
    ]);
  });
});

describe('a slot is moved, and says why', () => {
  const first = (schedule: Partial<Schedule>, more: Partial<ScheduleFacts> = {}) =>
    told(factsOf(schedule, more), 1)[0];

  test('to the end of a blackout', () => {
    const blackouts = [{ from: '2025-12-20', to: '2026-01-06', reason: 'freeze' }];
    expect(first({ blackouts, zone: 'Europe/Berlin' })).toBe(
      '2026-01-01T10:00 → 2026-01-06T23:00Z blackout',
    );
  });

  test('into the next maintenance window, also over midnight', () => {
    const windows = [{ days: ['fri' as const], from: '22:00', to: '04:00' }];
    expect(first({ windows })).toBe('2026-01-01T10:00 → 2026-01-02T22:00Z window');
    expect(first({ windows, rule: cron('30 3 3 1 *') })).toBe(
      '2026-01-03T03:30 → 2026-01-03T03:30Z',
    );
    expect(first({ windows, rule: cron('0 4 3 1 *') })).toBe(
      '2026-01-03T04:00 → 2026-01-09T22:00Z window',
    );
  });

  test('out of a blackout into a window', () => {
    const windows = [{ days: ['mon' as const], from: '08:00', to: '12:00' }];
    const blackouts = [{ from: '2026-01-01', to: '2026-01-05', reason: 'freeze' }];
    expect(first({ windows, blackouts })).toBe(
      '2026-01-01T10:00 → 2026-01-12T08:00Z blackout window',
    );
  });

  test('by a jitter that is the same each time, another for each slot, and stays in the window', () => {
    const windows = [{ days: ['thu' as const], from: '10:00', to: '10:20' }];
    const moments = (schedule: Partial<Schedule>) =>
      [...take(factsOf({ jitterMs: 7_200_000, ...schedule }), 8)].map(({ at }) => at.getTime());
    expect(moments({})).toEqual(moments({}));
    expect(new Set(moments({}).map((ms) => ms % 3_600_000)).size).toBeGreaterThan(5);
    for (const ms of moments({ windows })) {
      expect(new Date(ms).toISOString().slice(11, 16) < '10:20').toBe(true);
    }
  });

  test('never: a window inside of which no time is', () => {
    const windows = [{ days: [], from: '08:00', to: '12:00' }];
    expect(told(factsOf({ windows }), 1)).toEqual([]);
  });
});

function* take(facts: ScheduleFacts, count: number) {
  let taken = 0;
  for (const slot of slotsToCome(facts, calendar)) {
    yield slot;
    taken += 1;
    if (taken === count) return;
  }
}

describe('intervals and expiry', () => {
  const day = 86_400_000;
  const every90: Partial<Schedule> = { rule: { kind: 'every', everyMs: 90 * day } };

  test('an interval counts from the last confirmed rotation', () => {
    const rotatedAt = new Date('2025-12-01T07:30:00Z');
    expect(told(factsOf(every90, { rotatedAt }), 2)).toEqual([
      '2026-03-01T07:30 → 2026-03-01T07:30Z',
      '2026-05-30T07:30 → 2026-05-30T07:30Z',
    ]);
  });

  test('one that was over when the schedule began is due at once, and once', () => {
    const rotatedAt = new Date('2025-01-01T00:00:00Z');
    expect(told(factsOf(every90, { rotatedAt }), 2)).toEqual([
      '2025-12-27T00:00 → 2026-01-01T00:00Z begins',
      '2026-03-27T00:00 → 2026-03-27T00:00Z',
    ]);
  });

  test('a secret that was never rotated counts from the beginning of its schedule', () => {
    expect(told(factsOf(every90), 1)).toEqual(['2026-04-01T00:00 → 2026-04-01T00:00Z']);
  });

  test('before expiry: a version that does not live for so long is not replaced at once, and for ever; an adopted one is', () => {
    const rule = { kind: 'before-expiry', beforeMs: 30 * day } as const;
    const expiresAt = new Date('2026-01-21T00:00:00Z');
    const mintedAt = new Date('2026-01-01T00:00:00Z');
    expect(told(factsOf({ rule }, { expiresAt, mintedAt }), 5)).toEqual([
      '2026-01-11T00:00 → 2026-01-11T00:00Z short-lived',
    ]);
    expect(told(factsOf({ rule }, { expiresAt }), 5)).toEqual([
      '2025-12-22T00:00 → 2026-01-01T00:00Z begins',
    ]);
    const longer = new Date('2026-02-01T00:00:00Z');
    expect(told(factsOf({ rule }, { expiresAt: longer, mintedAt }), 5)).toEqual([
      '2026-01-02T00:00 → 2026-01-02T00:00Z',
    ]);
  });

  test('before expiry: once for each expiry, and not at all where nothing expires', () => {
    const rule = { kind: 'before-expiry', beforeMs: 30 * day } as const;
    const expiresAt = new Date('2026-06-30T12:00:00Z');
    expect(told(factsOf({ rule }, { expiresAt }), 5)).toEqual([
      '2026-05-31T12:00 → 2026-05-31T12:00Z',
    ]);
    expect(told(factsOf({ rule }), 5)).toEqual([]);
  });
});

describe('what becomes of slots that are due', () => {
  const at = (now: string, schedule: Partial<Schedule> = {}, more: Partial<ScheduleFacts> = {}) =>
    factsOf(schedule, { ...more, now: new Date(now) });
  const known = (slot: string, state: 'requested' | 'skipped' | 'missed') => ({
    slot,
    zone: 'UTC',
    state,
    at: new Date(`${slot}:00Z`),
    reason: 'x',
    by: 'ann',
    runId: undefined,
  });

  test('one that was skipped is left out, and the next one stands', () => {
    const skipped = { known: [known('2026-01-01T10:00', 'skipped')] };
    expect(decideSlot(at('2026-01-01T10:01:00Z', {}, skipped), calendar, undefined).kind).toBe(
      'nothing',
    );
    expect(nextSlot(factsOf({}, skipped), calendar)?.slot).toBe('2026-01-02T10:00');
  });

  test('a clock that jumps back behind a slot that was claimed claims nothing twice', () => {
    const claimed = { known: [known('2026-01-03T10:00', 'requested')] };
    const facts = at('2026-01-02T12:00:00Z', {}, claimed);
    expect(decideSlot(facts, calendar, undefined)).toEqual({
      kind: 'nothing',
      told: 'no slot is due',
    });
    expect(nextSlot(facts, calendar)?.slot).toBe('2026-01-04T10:00');
  });

  test('a clock that jumps ahead takes the newest slot, and says of the others that they were missed', () => {
    const decision = decideSlot(at('2026-01-04T11:00:00Z'), calendar, undefined);
    expect(decision).toMatchObject({
      kind: 'settle',
      taken: { slot: '2026-01-04T10:00' },
      missed: [
        { slot: '2026-01-01T10:00' },
        { slot: '2026-01-02T10:00' },
        { slot: '2026-01-03T10:00' },
      ],
    });
  });

  test('one that is early by a few seconds is waited for', () => {
    expect(decideSlot(at('2026-01-01T09:59:55Z'), calendar, undefined)).toMatchObject({
      kind: 'wait',
      until: new Date('2026-01-01T10:00:00Z'),
    });
  });

  test('one that is caught up on outside of the windows waits for the next window', () => {
    const windows = [{ days: ['thu' as const, 'fri' as const], from: '09:00', to: '11:00' }];
    const decision = decideSlot(at('2026-01-01T15:00:00Z', { windows }), calendar, undefined);
    expect(decision).toMatchObject({
      kind: 'postpone',
      slot: { slot: '2026-01-01T10:00' },
      until: new Date('2026-01-02T09:00:00Z'),
      reason: 'outside its windows',
    });
  });

  test('one that waits for another secret asks again after at least that long, and not always as long', () => {
    const obstacle = { reason: 'another rotates', againMs: 60_000 };
    const waits = ['10:00:00', '10:01:00', '10:02:00'].map((time) => {
      const now = `2026-01-01T${time}Z`;
      const decision = decideSlot(at(now), calendar, obstacle);
      return decision.kind === 'postpone' ? Number(decision.until) - Date.parse(now) : 0;
    });
    expect(new Set(waits).size).toBe(3);
    expect(waits.filter((ms) => ms < 60_000 || ms > 75_000)).toEqual([]);
  });

  test('nothing is claimed while the schedule is paused', () => {
    const paused = { paused: { by: 'ann', reason: 'audit' } };
    expect(decideSlot(at('2026-01-01T10:01:00Z', {}, paused), calendar, undefined).kind).toBe(
      'nothing',
    );
  });
});

describe('a rotation is overdue', () => {
  const day = 86_400_000;
  const since = (now: string, more: Partial<ScheduleFacts>, schedule: Partial<Schedule> = {}) =>
    overdueSince(factsOf(schedule, { ...more, now: new Date(now) }), calendar)?.toISOString();

  test.each<[string, string, Partial<ScheduleFacts>, string | undefined]>([
    ['not within the time that the policy gives', '2026-01-08T09:59:00Z', {}, undefined],
    ['when nothing was claimed by then', '2026-01-08T10:00:00Z', {}, '2026-01-01T10:00:00.000Z'],
    [
      'also while it is paused',
      '2026-01-08T10:00:00Z',
      { paused: { by: 'ann', reason: 'x' } },
      '2026-01-01T10:00:00.000Z',
    ],
    [
      'when a slot became a run, and nothing was rotated since',
      '2026-01-09T10:00:00Z',
      {
        settledLongAgo: new Date('2026-01-02T10:00:00Z'),
        rotatedAt: new Date('2026-01-01T00:00:00Z'),
        known: [],
      },
      '2026-01-01T10:00:00.000Z',
    ],
    [
      'not once it was rotated',
      '2026-01-08T10:00:00Z',
      { rotatedAt: new Date('2026-01-05T00:00:00Z') },
      undefined,
    ],
  ])('%s', (_, now, ...[more, expected]) => {
    expect(since(now, more)).toBe(expected);
  });

  test('by an interval, whatever became of its slots', () => {
    const rotatedAt = new Date('2026-01-01T00:00:00Z');
    const schedule: Partial<Schedule> = { rule: { kind: 'every', everyMs: 30 * day } };
    expect(since('2026-02-06T23:59:00Z', { rotatedAt }, schedule)).toBeUndefined();
    expect(since('2026-02-07T00:00:00Z', { rotatedAt }, schedule)).toBe('2026-01-31T00:00:00.000Z');
  });
});
