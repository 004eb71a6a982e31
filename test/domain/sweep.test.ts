import { describe, expect, test } from '@jest/globals';
import type { Credential } from '../../domain/issuer.js';
import type { SweptDependency, SweptSecret, SweptVersion } from '../../domain/sweep/facts.js';
import { abandonedPlaces, judgeAbandoned, judgeHeld } from '../../domain/sweep/held.js';
import { judge } from '../../domain/sweep/judge.js';
import { compareListing, isImplausible } from '../../domain/sweep/listed.js';
import { ago, day, now, traits } from './facts.js';

const inDays = (days: number): Date => ago(-days * day);

function version(ordinal: number, more: Partial<SweptVersion> = {}): SweptVersion {
  return {
    versionId: `v${ordinal}`,
    ordinal,
    state: 'active',
    current: false,
    origin: 'minted',
    value: 'sealed',
    credentialId: `c${ordinal}`,
    createdAt: ago(20 * day),
    activatedAt: ago(20 * day),
    confirmedAt: ago(20 * day),
    expiresAt: undefined,
    revokedAt: undefined,
    endedCause: undefined,
    ...more,
  };
}

function dependency(name: string, more: Partial<SweptDependency> = {}): SweptDependency {
  return {
    dependencyId: name,
    dependent: name,
    seenAs: { userAgent: `${name}/*` },
    usesAtLeastEveryMs: undefined,
    picksUpWithinMs: 0,
    declaredAt: ago(50 * day),
    destinationId: `at ${name}`,
    connector: 'dotenv',
    byPerson: false,
    identity: `/srv/${name}`,
    address: {},
    delivered: true,
    withheld: false,
    ...more,
  };
}

const current = (more: Partial<SweptVersion> = {}): SweptVersion =>
  version(2, { current: true, ...more });
const revoked = version(1, { state: 'revoked', revokedAt: ago(10 * day), value: 'destroyed' });

/** Rotated once, documented, and used by the one dependent that it has. */
function secret(more: Partial<SweptSecret> = {}): SweptSecret {
  return {
    now,
    secretId: 's',
    name: 'acme/api',
    owner: 'team',
    documentation: 'pays the bills',
    issuer: 'main',
    specification: {},
    createdAt: ago(200 * day),
    scheduled: false,
    quietPeriodMs: 7 * day,
    busy: false,
    versions: [revoked, current()],
    dependencies: [dependency('billing')],
    retired: [],
    uses: [use('v2', 'billing/1', ago(day))],
    record: record(),
    called: [],
    open: [],
    ...more,
  };
}

function use(versionId: string, userAgent: string, lastAt: Date) {
  return { versionId, sourceKey: userAgent, source: { userAgent }, lastAt, count: 3 };
}

function record(more: Partial<NonNullable<SweptSecret['record']>> = {}) {
  return {
    kind: 'exact' as const,
    completeThrough: now,
    continuousSince: ago(100 * day),
    resolutionMs: 0,
    skewMs: 0,
    readAt: now,
    ...more,
  };
}

/** `code severity message`, without the usual severity. */
function told(more: Partial<SweptSecret>): string[] {
  return judge(secret(more)).findings.map(({ code, severity, message }) =>
    [code, severity, message].filter((part) => part !== undefined).join(' '),
  );
}

const expiring = (days: number, lifeDays = 365) =>
  current({ activatedAt: inDays(days - lifeDays), expiresAt: inDays(days) });
const longAgo = { activatedAt: ago(60 * day), createdAt: ago(60 * day) };
const weekly = dependency('billing', { usesAtLeastEveryMs: 7 * day });

describe('the rules that ask nobody', () => {
  test.each<[string, Partial<SweptSecret>, string[]]>([
    ['a secret that is in order is no finding', {}, []],
    [
      'a version that expires in a month is a warning',
      { versions: [revoked, expiring(29)] },
      ['expiring warning v2 expires in 29 days, on 2026-02-08'],
    ],
    [
      'in a week: critical',
      { versions: [revoked, expiring(6)] },
      ['expiring critical v2 expires in 6 days, on 2026-01-16'],
    ],
    ['in two months: nothing yet', { versions: [revoked, expiring(60)] }, []],
    [
      'one that lives for ten days is warned of in its last third',
      { versions: [revoked, expiring(4, 10)] },
      [],
    ],
    [
      'and not before',
      { versions: [revoked, expiring(3, 10)] },
      ['expiring warning v2 expires in 3 days, on 2026-01-13'],
    ],
    [
      'what a schedule rotates is said only when that is late',
      { versions: [revoked, expiring(29)], scheduled: true },
      [],
    ],
    [
      'past its date and still there: critical',
      { versions: [revoked, expiring(-1)] },
      ['expiring critical v2 expired on 2026-01-09, and nobody has seen it end'],
    ],
    [
      'the only version has expired: critical, for as long as nothing takes its place',
      {
        versions: [
          revoked,
          version(2, { state: 'ended', endedCause: 'expired', expiresAt: ago(40 * day) }),
        ],
        uses: [],
      },
      ['expired critical v2 expired 40 days ago, and nothing took its place'],
    ],
    [
      'an older one has expired: for information, and for a month',
      {
        versions: [
          version(1, { state: 'ended', endedCause: 'expired', expiresAt: ago(3 * day) }),
          current(),
        ],
      },
      ['expired info v1 expired 3 days ago'],
    ],
    [
      'older than its declared validity, and no schedule',
      { specification: { validityMs: 15 * day } },
      ['overdue v2 is 20 days old, and was declared to live 15 days'],
    ],
    [
      'with a schedule, being late is that schedule’s to tell',
      { specification: { validityMs: 15 * day }, scheduled: true },
      [],
    ],
    [
      'made long ago and never rotated',
      {
        versions: [version(1, { current: true, activatedAt: ago(91 * day) })],
        uses: [use('v1', 'billing/1', now)],
      },
      ['never-rotated info v1 was made 91 days ago and has never been rotated'],
    ],
    [
      'adopted a week ago and never rotated: a warning',
      {
        versions: [version(1, { current: true, origin: 'adopted', activatedAt: ago(8 * day) })],
        uses: [use('v1', 'billing/1', now)],
      },
      ['never-rotated warning v1 was adopted 8 days ago and has never been rotated'],
    ],
    [
      'declared, and never given a version',
      { versions: [], uses: [], createdAt: ago(9 * day) },
      ['never-rotated it was declared 9 days ago and has no version: rotor rotate makes the first'],
    ],
    [
      'nobody has used it for a month, by a complete record',
      { versions: [revoked, current(longAgo)], uses: [use('v2', 'billing/1', ago(35 * day))] },
      ['unused nobody has used it since 2025-12-06: 35 days, by a complete record'],
    ],
    [
      'silence since a gap in the record counts from the gap',
      {
        versions: [revoked, current(longAgo)],
        uses: [],
        record: record({ continuousSince: ago(29 * day) }),
      },
      [],
    ],
    [
      'a record that stands still proves no silence',
      {
        versions: [revoked, current(longAgo)],
        uses: [],
        record: record({ completeThrough: ago(day) }),
      },
      [],
    ],
    [
      'nor does a sampled one',
      { versions: [revoked, current(longAgo)], uses: [], record: record({ kind: 'sampled' }) },
      [],
    ],
    ['before the current version came, use was another one’s', { uses: [] }, []],
    [
      'who comes by once a quarter is not nobody',
      {
        versions: [revoked, current(longAgo)],
        uses: [],
        dependencies: [dependency('billing', { usesAtLeastEveryMs: 90 * day })],
      },
      [],
    ],
    [
      'somebody uses it whom nobody declared',
      { uses: [use('v2', 'billing/1', now), use('v2', 'cron', ago(day))] },
      ['undeclared-use v2 is used by nobody declared: unknown address · cron'],
    ],
    [
      'the issuer does not tell who uses it: it may be who is declared',
      { uses: [{ ...use('v2', '', now), source: {} }] },
      [],
    ],
    [
      'it is used, and nobody is declared: the same',
      { uses: [{ ...use('v2', '', now), source: {} }], dependencies: [] },
      [
        'undeclared-use v2 is used by nobody declared: unknown address',
        'undocumented it has no dependents',
      ],
    ],
    [
      'it was a dependent that is retired: that is said',
      {
        uses: [use('v2', 'billing/1', now), use('v2', 'old/1', ago(day))],
        retired: [dependency('old')],
      },
      [
        'undeclared-use v2 is used by nobody declared: unknown address · old/1 (old, which was retired)',
      ],
    ],
    [
      'who was last seen three months ago is nobody to look for',
      { uses: [use('v2', 'billing/1', now), use('v2', 'cron', ago(91 * day))] },
      [],
    ],
    [
      'a dependent is silent for longer than it said',
      { dependencies: [weekly], uses: [use('v2', 'billing/1', ago(8 * day))] },
      [
        'dependent-silent billing said it uses this at least every 7 days, and was not seen for 8 days',
      ],
    ],
    ['it was seen within its time', { dependencies: [weekly] }, []],
    [
      'one that was declared yesterday may still come',
      { dependencies: [{ ...weekly, declaredAt: ago(day) }], uses: [] },
      [],
    ],
    [
      'a record of last uses names nobody, so nobody is silent',
      {
        dependencies: [weekly],
        uses: [use('v2', 'x', ago(8 * day))],
        record: record({ kind: 'last-used' }),
      },
      ['undeclared-use v2 is used by nobody declared: unknown address · x'],
    ],
    [
      'no owner, no documentation, no dependents',
      { owner: 'TBD', documentation: ' ', dependencies: [], uses: [] },
      ['undocumented it has no owner, no documentation, no dependents'],
    ],
    [
      'a version is left disabled',
      { versions: [version(1, { state: 'disabled' }), current()] },
      [
        'stale-version v1 is disabled since 20 days, is not the current version, and no run looks after it',
      ],
    ],
    [
      'a run has it: it is looked after',
      { versions: [version(1, { state: 'disabled' }), current()], busy: true },
      [],
    ],
    [
      'an orphan has a finding of its own',
      { versions: [version(1, { origin: 'orphan' }), current()] },
      [],
    ],
    [
      'a revoke was called, and nobody knows what came of it',
      { versions: [version(1, { state: 'retiring' }), current()], called: ['v1'] },
      ['stale-grant revoking v1 was called, its run is over, and rotor has it as retiring'],
    ],
  ])('%s', (_name, more, expected) => expect(told(more)).toEqual(expected));

  test.each<[string, string, Partial<SweptSecret>, Date, boolean]>([
    ['an orphan whose version is dead is settled', 'orphan-credential', {}, now, true],
    [
      'one that lives is not',
      'orphan-credential',
      { versions: [version(1, { state: 'retiring' }), current()] },
      now,
      false,
    ],
    [
      'an old value that was rolled back to is the right one again',
      'confirmed-but-old-value-used',
      { versions: [current({ versionId: 'v1' }), version(2, { state: 'retiring' })] },
      now,
      true,
    ],
    [
      'an old value that lives on beside the new one is not',
      'confirmed-but-old-value-used',
      { versions: [version(1, { state: 'retiring' }), current()] },
      now,
      false,
    ],
    ['nothing dead is left: settled', 'clean-failed', {}, now, true],
    [
      'a dead value is not destroyed yet: not settled',
      'clean-failed',
      { versions: [{ ...revoked, value: 'sealed' }, current()] },
      now,
      false,
    ],
    ['nobody has tried for a month: settled', 'revoked-use', {}, ago(32 * day), true],
    ['somebody tried last week: not', 'revoked-use', {}, ago(7 * day), false],
    ['what is released closes elsewhere', 'dependent-withheld', {}, ago(99 * day), false],
    [
      'all that lives was made since the compromise that did not end',
      'compromise-unfinished',
      { versions: [revoked, current({ createdAt: ago(day) })] },
      ago(2 * day),
      true,
    ],
    [
      'something lives that was there then',
      'compromise-unfinished',
      { versions: [version(1, { state: 'retiring' }), current({ createdAt: ago(day) })] },
      ago(2 * day),
      false,
    ],
    [
      'something was adopted since, and may be as old',
      'compromise-unfinished',
      { versions: [revoked, current({ createdAt: ago(day), origin: 'adopted' })] },
      ago(2 * day),
      false,
    ],
  ])('%s', (...row) => {
    const [, code, more, lastAt, expected] = row;
    const open = [
      { code: code as 'straggler', about: 'a', versionId: 'v1', firstAt: lastAt, lastAt },
    ];
    expect(judge(secret({ ...more, open })).settled.length > 0).toBe(expected);
  });
});

describe('what an issuer lists', () => {
  const credential = (
    credentialId: string,
    tag: Credential['tag'] = { kind: 'none' },
  ): Credential => ({
    credentialId,
    tag,
    createdAt: undefined,
    expiresAt: undefined,
    disabled: false,
    rights: {},
  });
  const known = credential('c2', { kind: 'ours', versionId: 'v2' });
  const compare = (credentials: Credential[], more: Partial<SweptSecret> = {}, about = {}) =>
    compareListing(secret(more), {
      credentials,
      traits,
      ofOthers: new Set(),
      secretOf: new Map([['v2', 's']]),
      ...about,
    });
  const codes = (credentials: Credential[], more = {}, about = {}) => {
    const { findings, orphans, lost, gone } = compare(credentials, more, about);
    const found = findings.map(({ code, severity = '' }) => `${code} ${severity}`.trim());
    const versions = [
      ...orphans.map(() => 'orphan'),
      ...lost.map((one) => `lost ${one.versionId}`),
    ];
    return [...found, ...versions, ...gone.map((id) => `gone ${id}`)];
  };
  const pending = version(3, { state: 'pending', credentialId: undefined });
  test.each<[string, string[], string[]]>([
    ['only what is known is no finding', codes([known]), []],
    [
      'a credential that nobody knows',
      codes([known, credential('x')]),
      ['unknown-credential warning'],
    ],
    [
      'of another installation: for information',
      codes([known, credential('x', { kind: 'foreign' })]),
      ['unknown-credential info'],
    ],
    [
      'of another secret of this issuer',
      codes([known, credential('x')], {}, { ofOthers: new Set(['x']) }),
      [],
    ],
    [
      'our tag, and no row: the registry has lost it',
      codes([known, credential('x', { kind: 'ours', versionId: 'y' })]),
      ['lost y'],
    ],
    [
      'a second one of a version',
      codes([known, credential('x', { kind: 'ours', versionId: 'v2' })]),
      ['orphan'],
    ],
    [
      'of a version that is only named yet: the next run adopts it',
      codes(
        [known, credential('x', { kind: 'ours', versionId: 'v3' })],
        { versions: [revoked, current(), pending] },
        { secretOf: new Map([['v3', 's']]) },
      ),
      [],
    ],
    [
      'of a version of another secret',
      codes(
        [known, credential('x', { kind: 'ours', versionId: 'z' })],
        {},
        { secretOf: new Map([['z', 'other']]) },
      ),
      [],
    ],
    ['the current one is gone', codes([]), ['gone v2']],
    [
      'too young to be listed',
      codes(
        [],
        { versions: [current({ activatedAt: ago(10) })] },
        { traits: { ...traits, propagationMs: 1_000 } },
      ),
      [],
    ],
    [
      'nothing is listed, and its date has come',
      codes([], { versions: [expiring(-1)] }, { traits: { ...traits, lists: false } }),
      ['gone v2'],
    ],
    [
      'nothing is listed, and its date has not come',
      codes([], { versions: [expiring(1)] }, { traits: { ...traits, lists: false } }),
      [],
    ],
    ['a revoked one is alive', codes([known, credential('c1')]), ['lives-after-end']],
  ])('%s', (_name, found, expected) => expect(found).toEqual(expected));
});

test.each([
  ['one secret alone may well have lost its version', 1, 1, false],
  ['five of five have: that is not to be believed', 5, 5, true],
  ['five of ten have: it may be', 5, 10, false],
])('%s', (...row) => {
  const [, lost, all, expected] = row;
  const answers = Array.from({ length: all }, (_, index) => ({ gone: index < lost ? ['v'] : [] }));
  expect(isImplausible(answers)).toBe(expected);
});

describe('what destinations hold', () => {
  const place = (more: Partial<SweptDependency>, holdsSeveral = false) => ({
    dependency: dependency('billing', more),
    holdsSeveral,
  });
  const at = (versionIds: string[], unknown = 0, where = place({})) => ({
    isEmpty: versionIds.length === 0,
    ...where,
    versionIds,
    unknown,
  });
  const retiring = { versions: [version(1, { state: 'retiring' }), current()] };
  const dead = { versions: [{ ...revoked, value: 'sealed' as const }, current()] };
  const unknownValue = { versions: [revoked, current({ value: 'unknown' })] };
  test.each<[string, Partial<SweptSecret>, ReturnType<typeof at>, string[]]>([
    ['the current version is no finding', {}, at(['v2']), []],
    ['an older one that lives is a warning', retiring, at(['v1']), ['old-value warning']],
    ['a dead one alone is critical', dead, at(['v1']), ['old-value critical']],
    [
      'a dead one beside the current one is a warning',
      dead,
      at(['v2', 'v1'], 0, place({}, true)),
      ['old-value warning'],
    ],
    [
      'whoever is withheld from keeps the old one',
      retiring,
      at(['v1'], 0, place({ withheld: true })),
      [],
    ],
    ['a foreign value', {}, at([], 1), ['foreign-value']],
    ['a list keeps what is not ours', {}, at(['v2'], 1, place({}, true)), []],
    [
      'where the value of the current version is unknown, nobody can say',
      unknownValue,
      at([], 1),
      [],
    ],
    ['nothing, where the current version was written', {}, at([]), ['destination-empty']],
    [
      'an empty place whose past alone has the current version',
      {},
      { ...at(['v2'], 0, place({}, true)), isEmpty: true },
      ['destination-empty'],
    ],
    ['nothing, where nothing was written yet', {}, at([], 0, place({ delivered: false })), []],
    ['no version is in service', { versions: [revoked] }, at([]), []],
  ])('%s', (...row) => {
    const [, more, held, expected] = row;
    const found = judgeHeld(secret(more), held);
    expect(found.map(({ code, severity = '' }) => `${code} ${severity}`.trim())).toEqual(expected);
  });

  test('a retired dependent’s place that holds a live version is a leftover, unless somebody else has it', () => {
    const retired = [dependency('old'), dependency('moved', { destinationId: 'at billing' })];
    const places = abandonedPlaces(secret({ retired }));
    expect(places.map(({ dependent }) => dependent)).toEqual(['old']);
    const left = (versionIds: string[]) =>
      judgeAbandoned(secret(), { dependency: dependency('old'), versionIds }).length;
    expect([left(['v2']), left(['v1']), left([])]).toEqual([1, 0, 0]);
  });
});
