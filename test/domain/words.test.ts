import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { attribute, isAddressRange, isExplained, isSeenAs } from '../../domain/attribution.js';
import { answerWhenBusy, widened, type Asked } from '../../domain/busy.js';
import { formatDuration, parseDuration } from '../../domain/duration.js';
import { isAtLeast } from '../../domain/evidence.js';
import { hasRight } from '../../domain/role.js';
import { SecretValue } from '../../domain/secret-value.js';
import { orderWaves } from '../../domain/waves.js';
import { dependency } from './facts.js';

describe('durations', () => {
  const rows: [string, number | undefined][] = [
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['7d', 604_800_000],
    ['0', 0],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['', undefined],
    ['7', undefined],
    ['-1s', undefined],
    ['1 fortnight', undefined],
    ['1s1', undefined],
    ['1e9d', undefined],
    ['99999d', undefined],
    ['½h', undefined],
  ];
  for (const [text, ms] of rows)
    test(`"${text}" is ${ms ?? 'nonsense'}`, () => expect(parseDuration(text)).toBe(ms));
  test('are written as they are read', () => {
    for (const ms of [250, 90_000, 5_400_000, 604_800_000])
      expect(parseDuration(formatDuration(ms))).toBe(ms);
  });
  test('have no minute of sixty seconds', () => {
    expect(formatDuration(27 * 60_000 - 300)).toBe('27m');
    expect(formatDuration(30 * 86_400_000)).toBe('30d');
  });
});

describe('attribution names, and never guesses', () => {
  const billing = dependency('billing', {
    seenAs: { userAgent: 'billing/*', address: '10.0.0.0/8' },
  });
  const rows: [string, Parameters<typeof isSeenAs>[0], boolean][] = [
    ['in the range, with the user agent', { address: '10.1.2.3', userAgent: 'billing/2' }, true],
    ['mapped IPv4', { address: '::ffff:10.1.2.3', userAgent: 'billing/2' }, true],
    ['out of the range', { address: '11.1.2.3', userAgent: 'billing/2' }, false],
    ['another user agent', { address: '10.1.2.3', userAgent: 'xbilling/2' }, false],
    ['no address', { userAgent: 'billing/2' }, false],
  ];
  for (const [name, source, holds] of rows) {
    test(name, () => expect(attribute(source, [billing]) === billing).toBe(holds));
  }
  test('a dot in a pattern is a dot', () =>
    expect(isSeenAs({ userAgent: 'axb' }, { userAgent: 'a.b' })).toBe(false));
  test('two that match are nobody', () => {
    const other = dependency('other', { seenAs: { userAgent: '*' } });
    expect(
      attribute({ address: '10.0.0.1', userAgent: 'billing/1' }, [billing, other]),
    ).toBeUndefined();
  });
  test('where the issuer does not tell who it was, it may be anybody who is declared', () => {
    expect(isExplained({}, [billing])).toBe(true);
    expect(isExplained({ userAgent: '' }, [billing])).toBe(true);
    expect(isExplained({}, [])).toBe(false);
    expect(isExplained({ address: '11.1.2.3' }, [billing])).toBe(false);
  });
  test('nothing to recognize by recognizes nobody', () =>
    expect(isSeenAs({ address: '1.2.3.4' }, {})).toBe(false));
  test('ranges of both families', () => {
    expect(['10.0.0.0/8', '2001:db8::/32', '::1', '1.2.3.4'].every(isAddressRange)).toBe(true);
    expect(
      ['10.0.0.0/33', 'x', '1.2.3', '1.2.3.4/8/9', '2001:::/12', ''].some(isAddressRange),
    ).toBe(false);
  });
});

describe('a secret that is busy', () => {
  const asked = (kind: Asked['kind'], options = {}): Asked => ({ kind, options });
  const running = (kind: Asked['kind'], direction: 'forward' | 'back' = 'forward') => ({
    kind,
    options: {},
    direction,
    ageMs: 0,
  });
  const by = { by: 'ann', reason: 'x' };
  const outage = (dependents: string[], sources: { address: string }[] = []) => ({
    acceptedOutage: { ...by, dependents, sources },
  });
  test('a second rotation joins the first', () =>
    expect(answerWhenBusy(asked('rotate'), running('rotate'))).toBe('join'));
  test('a rotation waits for one that rolls back', () =>
    expect(answerWhenBusy(asked('rotate'), running('rotate', 'back'))).toBe('queue'));
  test('a compromise takes over', () =>
    expect(answerWhenBusy(asked('compromise'), running('rotate'))).toBe('take-over'));
  test('the same compromise joins', () =>
    expect(answerWhenBusy(asked('compromise'), running('compromise'))).toBe('join'));
  test('a wider compromise takes over', () =>
    expect(answerWhenBusy(asked('compromise', { everyVersion: true }), running('compromise'))).toBe(
      'take-over',
    ));
  test('a revoke is refused', () =>
    expect(answerWhenBusy(asked('revoke'), running('rotate'))).toBe('refuse'));
  const named = (...versionIds: string[]) => ({ versionIds });
  const before = (hour: number) => ({ leakedBefore: `2026-01-01T0${hour}:00:00.000Z` });
  for (const [what, options, there, ageMs, answer] of [
    [
      'other versions later does not take over from one that contains at once',
      { ...named('b'), replaceFirstMs: 60 },
      named('a'),
      0,
      'contains-later',
    ],
    [
      'every version later does not take over from one that contains at once',
      { everyVersion: true, replaceFirstMs: 60 },
      {},
      0,
      'contains-later',
    ],
    [
      'other versions later than what is left does not take over',
      { ...named('b'), replaceFirstMs: 30 },
      { ...named('a'), replaceFirstMs: 60 },
      40,
      'contains-later',
    ],
    [
      'other versions sooner than what is left takes over',
      { ...named('b'), replaceFirstMs: 30 },
      { ...named('a'), replaceFirstMs: 60 },
      0,
      'take-over',
    ],
    ['other versions at once takes over', named('b'), named('a'), 0, 'take-over'],
    ['other versions at once takes over from the usual ones', named('b'), {}, 0, 'take-over'],
    ['a part of the versions joins', named('a'), named('b', 'a'), 0, 'join'],
    [
      'a part of the versions later joins',
      { ...named('a'), replaceFirstMs: 60 },
      named('b', 'a'),
      0,
      'join',
    ],
    ['the usual versions joins one of every version', {}, { everyVersion: true }, 0, 'join'],
    [
      'what another that took over contains too joins',
      named('b'),
      { alsoVersionIds: ['b'] },
      0,
      'join',
    ],
    ['what leaked before an earlier moment joins', before(1), before(2), 0, 'join'],
    ['what leaked before a later moment takes over', before(2), before(1), 0, 'take-over'],
    ['what leaked before a moment takes over from the usual ones', before(1), {}, 0, 'take-over'],
    ['the usual ones takes over from what leaked before', {}, before(1), 0, 'take-over'],
    ['what leaked before joins one of every version', before(1), { everyVersion: true }, 0, 'join'],
    [
      'a version that was made since takes over from every version',
      named('new'),
      { everyVersion: true },
      0,
      'take-over',
    ],
    ['at once takes over from one that replaces first', {}, { replaceFirstMs: 60 }, 0, 'take-over'],
    ['sooner takes over', { replaceFirstMs: 30 }, { replaceFirstMs: 60 }, 0, 'take-over'],
    ['later joins', { replaceFirstMs: 60 }, { replaceFirstMs: 30 }, 0, 'join'],
    ['later joins one that contains at once', { replaceFirstMs: 60 }, {}, 0, 'join'],
    ['at the same moment joins', { replaceFirstMs: 60 }, { replaceFirstMs: 60 }, 0, 'join'],
    [
      'sooner, but not sooner than what is left, joins',
      { replaceFirstMs: 30 },
      { replaceFirstMs: 60 },
      40,
      'join',
    ],
    ['at once joins one whose time is over', {}, { replaceFirstMs: 60 }, 70, 'join'],
  ] as const) {
    test(`a compromise that contains ${what}`, () => {
      const busy = { ...running('compromise'), options: there, ageMs };
      expect(answerWhenBusy(asked('compromise', options), busy)).toBe(answer);
    });
  }
  for (const [what, asks, replaced, options] of [
    ['named versions: both', named('b'), named('a'), named('b', 'a')],
    ['the usual ones and a named one', named('b'), {}, { alsoVersionIds: ['b'] }],
    ['a named one and the usual ones', {}, named('a'), { alsoVersionIds: ['a'] }],
    ['what leaked before two moments: the later one', before(1), before(2), before(2)],
    ['what leaked before a moment, and the usual ones', before(1), {}, { everyVersion: true }],
    [
      'what leaked before a moment, and a named one',
      before(1),
      named('a'),
      { ...before(1), alsoVersionIds: ['a'] },
    ],
    ['every version and the usual ones', {}, { everyVersion: true }, { everyVersion: true }],
    [
      'what a third one was asked for',
      named('c'),
      { alsoVersionIds: ['a'], everyVersion: true },
      { everyVersion: true, alsoVersionIds: ['c', 'a'] },
    ],
    [
      'the time that is asked for',
      { replaceFirstMs: 3 },
      { replaceFirstMs: 9 },
      { replaceFirstMs: 3 },
    ],
  ] as const) {
    test(`a compromise that takes over contains ${what}`, () =>
      expect(widened(asks, replaced)).toEqual(options));
  }
  const unseen = { acceptedUnseenUse: by };
  for (const [what, options, there, answer] of [
    ['an outage does not join one without', outage(['a']), {}, 'loses-acceptance'],
    ['unseen use does not join one without', unseen, outage(['a']), 'loses-acceptance'],
    ['a wider outage does not join', outage(['a', 'b']), outage(['a']), 'loses-acceptance'],
    [
      'another source does not join',
      outage([], [{ address: '1.2.3.4' }]),
      outage([]),
      'loses-acceptance',
    ],
    ['a part of the same outage joins', outage(['a']), outage(['b', 'a']), 'join'],
    ['the same unseen use joins', unseen, unseen, 'join'],
    ['nothing joins one that accepts', {}, outage(['a']), 'join'],
    ['nobody by name does not join one that accepts nothing', outage([]), {}, 'loses-acceptance'],
  ] as const) {
    test(`a rotation that accepts ${what}`, () => {
      const busy = { ...running('rotate'), options: there };
      expect(answerWhenBusy(asked('rotate', options), busy)).toBe(answer);
    });
  }
  test('a rotation that accepts what was accepted for the run since joins it', () => {
    const accepted = { dependents: ['a'], sources: [] };
    const decisions = [{ kind: 'accept-outage', ...by, accepted }] as const;
    const busy = { ...running('rotate'), decisions };
    expect(answerWhenBusy(asked('rotate', outage(['a'])), busy)).toBe('join');
    expect(answerWhenBusy(asked('rotate', outage(['b'])), busy)).toBe('loses-acceptance');
  });
  test('an acceptance joins a compromise, which accepts everything', () =>
    expect(answerWhenBusy(asked('rotate', outage(['a'])), running('compromise'))).toBe('join'));
});

describe('waves', () => {
  test('a cycle is named', () => {
    const cycle = orderWaves([
      { name: 'a', after: ['b'] },
      { name: 'b', after: ['a'] },
      { name: 'c', after: [] },
    ]);
    expect(cycle).toEqual({ cycle: ['a', 'b', 'a'] });
  });
});

test('evidence has an order', () => {
  expect(isAtLeast('observed', 'attested')).toBe(true);
  expect(isAtLeast('read-back', 'attested')).toBe(false);
  expect(isAtLeast(undefined, 'human')).toBe(false);
});

test('a viewer only reads, an operator does not contain, security does not administer', () => {
  expect(hasRight('viewer', 'operate')).toBe(false);
  expect(hasRight('operator', 'contain')).toBe(false);
  expect(hasRight('security', 'administer')).toBe(false);
  expect(hasRight('admin', 'contain')).toBe(true);
});

test('a secret value does not show itself', () => {
  const value = new SecretValue('hunter2');
  expect(`${value} ${JSON.stringify({ value })} ${inspect({ value })}`).not.toContain('hunter2');
});
