import { describe, expect, test } from '@jest/globals';
import type {
  DecisionFacts,
  Facts,
  RecordFacts,
  RunFacts,
  VersionFacts,
} from '../../domain/facts.js';
import { planRun } from '../../domain/plan.js';
import { hasMoved } from '../../domain/progress.js';
import { day, dependency, facts, moved, now, run, traits, version } from './facts.js';

const fresh: RunFacts = { ...run, plan: undefined, requestedAt: now };
const policy = facts().policy;
const decision = (kind: DecisionFacts['kind']): DecisionFacts => ({
  decisionId: kind,
  kind,
  dependencyId: undefined,
  by: 'ann',
  reason: 'r',
  at: now,
  read: false,
});
const beginning = (more: Partial<Facts> = {}): Facts =>
  facts({ run: fresh, versions: [version(1, { current: true })], deliveries: [], ...more });

describe('steps', () => {
  const rows: [string, Facts, string][] = [
    ['a rotation', beginning(), 'create update verify disable revoke clean monitor'],
    [
      'a rotation without a disable period',
      beginning({ policy: { ...policy, disablePeriodMs: 0 } }),
      'create update verify revoke clean monitor',
    ],
    [
      'an issuer that cannot disable',
      beginning({ traits: { ...traits, disable: 'none' } }),
      'create update verify revoke clean monitor',
    ],
    [
      'an issuer that cannot show refusals',
      beginning({ traits: { ...traits, seesRefusals: false } }),
      'create update verify revoke clean monitor',
    ],
    [
      'a manual disable that the policy does not allow',
      beginning({ traits: { ...traits, disable: 'manual' } }),
      'create update verify revoke clean monitor',
    ],
    [
      'a manual disable that the policy allows',
      beginning({
        traits: { ...traits, disable: 'manual' },
        policy: { ...policy, allowManualDisable: true },
      }),
      'create update verify disable revoke clean monitor',
    ],
    [
      'a manual disable that the policy allows, though nobody sees who is refused',
      beginning({
        traits: { ...traits, disable: 'manual', seesRefusals: false },
        policy: { ...policy, allowManualDisable: true },
      }),
      'create update verify disable revoke clean monitor',
    ],
    ['a first provisioning', beginning({ versions: [] }), 'create update clean monitor'],
    [
      'a successor that is alive and was never refused: adopted, not minted again',
      beginning({
        versions: [version(1, { current: true }), version(2, { confirmedAt: undefined })],
      }),
      'update verify disable revoke clean monitor',
    ],
    [
      'a successor that was refused: another one',
      beginning({
        versions: [
          version(1, { current: true }),
          version(2, { refused: true, confirmedAt: undefined }),
        ],
      }),
      'create update verify disable revoke clean monitor',
    ],
    [
      'everybody moved, the old one gone',
      facts({
        versions: [version(1, { state: 'revoked' }), version(2, { current: true, runId: 'run' })],
      }),
      'clean monitor',
    ],
    [
      'somebody declared meanwhile',
      facts({ dependencies: [dependency('billing'), dependency('new')] }),
      'update verify disable revoke clean monitor',
    ],
    [
      'a compromise',
      beginning({ run: { ...fresh, kind: 'compromise' } }),
      'revoke create update clean monitor',
    ],
    [
      'a compromise that replaces first',
      beginning({ run: { ...fresh, kind: 'compromise', options: { replaceFirstMs: 60_000 } } }),
      'create update revoke clean monitor',
    ],
    [
      'a compromise that replaces first, when that time is over',
      beginning({
        run: { ...fresh, kind: 'compromise', options: { replaceFirstMs: 0 } },
      }),
      'revoke create update clean monitor',
    ],
    [
      'a compromise of what was minted before the version in use: everybody is there already',
      facts({
        versions: [
          version(1, { state: 'retiring' }),
          version(2, { current: true, createdAt: now }),
        ],
        run: { ...fresh, kind: 'compromise', options: { leakedBefore: now.toISOString() } },
      }),
      'revoke clean monitor',
    ],
    [
      'a compromise of what was minted before, and somebody has not moved: to the version in use',
      facts({
        versions: [
          version(1, { state: 'retiring' }),
          version(2, { current: true, createdAt: now }),
        ],
        dependencies: [dependency('billing'), dependency('late')],
        run: { ...fresh, kind: 'compromise', options: { leakedBefore: now.toISOString() } },
      }),
      'revoke update clean monitor',
    ],
    [
      'a compromise of what was minted before, the version in use among it',
      beginning({
        run: { ...fresh, kind: 'compromise', options: { leakedBefore: now.toISOString() } },
      }),
      'revoke create update clean monitor',
    ],
    [
      'a compromise of what was minted before, and the version in use was adopted: it may be older',
      facts({
        versions: [version(1, { current: true, createdAt: now, origin: 'adopted' })],
        deliveries: [],
        run: { ...fresh, kind: 'compromise', options: { leakedBefore: now.toISOString() } },
      }),
      'revoke create update clean monitor',
    ],
    [
      'somebody who is withheld from is not moved',
      facts({
        dependencies: [
          dependency('billing'),
          dependency('leaked', { withheld: { by: 'ann', reason: 'r', since: now } }),
        ],
      }),
      'verify disable revoke clean monitor',
    ],
    [
      'an issuer with one value',
      beginning({ traits: { ...traits, overlap: { kind: 'none' } } }),
      'prepare cutover update verify clean monitor',
    ],
    [
      'a compromise at an issuer with one value',
      beginning({
        traits: { ...traits, overlap: { kind: 'none' } },
        run: { ...fresh, kind: 'compromise' },
      }),
      'cutover update clean monitor',
    ],
    [
      'a decommission',
      beginning({ run: { ...fresh, kind: 'decommission' } }),
      'verify disable revoke clean monitor',
    ],
    [
      'a roll back after somebody moved',
      facts({
        versions: [version(1, { state: 'retiring' }), version(2, { current: true, runId: 'run' })],
        run: { ...run, decisions: [decision('roll-back')] },
      }),
      'update verify revoke clean',
    ],
    [
      'an abort before anybody was given the new version',
      facts({
        versions: [
          version(1, { current: true }),
          version(2, { runId: 'run', confirmedAt: undefined }),
        ],
        deliveries: [],
        run: { ...run, decisions: [decision('abort')] },
      }),
      'revoke clean',
    ],
  ];
  for (const [name, given, steps] of rows) {
    test(`${name}: ${steps}`, () => expect(planRun(given).steps.join(' ')).toBe(steps));
  }
});

describe('what a run ends', () => {
  test('a rotation ends every live version but the successor', () => {
    const versions = [
      version(1, { state: 'retiring' }),
      version(2, { current: true }),
      version(3, { runId: 'run', confirmedAt: undefined }),
    ];
    expect(planRun(beginning({ versions })).ends).toEqual(['v1', 'v2']);
  });

  test('a compromise keeps a successor that nobody confirmed, and adopts it', () => {
    const versions = [
      version(1, { current: true }),
      version(2, { runId: 'other', confirmedAt: undefined }),
    ];
    const plan = planRun(beginning({ versions, run: { ...fresh, kind: 'compromise' } }));
    expect([plan.ends, plan.towards]).toEqual([['v1'], 'v2']);
  });

  const kept = (versions: VersionFacts[], more: Partial<Facts> = {}) => {
    const plan = planRun(beginning({ versions, run: { ...fresh, kind: 'compromise' }, ...more }));
    return [plan.ends, plan.towards];
  };
  const current = version(1, { current: true });
  const unconfirmed = { runId: 'other', confirmedAt: undefined };
  const rows: [string, VersionFacts, unknown[]][] = [
    [
      'adopted after it',
      version(2, { ...unconfirmed, origin: 'adopted' }),
      [['v1', 'v2'], undefined],
    ],
    ['an orphan', version(2, { ...unconfirmed, origin: 'orphan' }), [['v1', 'v2'], undefined]],
    [
      'confirmed, and rolled back since',
      version(2, { state: 'retiring' }),
      [['v1', 'v2'], undefined],
    ],
    [
      'on its way back',
      version(2, { ...unconfirmed, state: 'retiring' }),
      [['v1', 'v2'], undefined],
    ],
  ];
  for (const [what, other, expected] of rows)
    test(`a compromise ends a version that is newer than the current one, and ${what}`, () => {
      expect(kept([current, other])).toEqual(expected);
    });

  test('a version whose mint was never answered is ended where the plan does not go on with it', () => {
    const pending = version(2, { ...unconfirmed, state: 'pending', credentialId: undefined });
    const mint = { kind: 'mint', versionId: 'v2', runId: 'other', deadline: now } as const;
    const effects = [{ ...mint, effectId: 'e', finished: false }];
    const run = { ...fresh, kind: 'compromise', options: { everyVersion: true } } as const;
    expect(kept([current, pending], { run, effects })).toEqual([['v1', 'v2'], undefined]);
    expect(kept([current, pending], { run })).toEqual([['v1'], undefined]);
    expect(kept([current, pending], { effects })).toEqual([['v1'], 'v2']);
  });

  test.each([
    ['of every version', { everyVersion: true }],
    ['that took over one of that version', { alsoVersionIds: ['v2'] }],
  ])('a compromise %s ends that one too', (_what, options) => {
    const versions = [
      version(1, { current: true }),
      version(2, { runId: 'other', confirmedAt: undefined }),
    ];
    expect(
      planRun(beginning({ versions, run: { ...fresh, kind: 'compromise', options } })).ends,
    ).toEqual(['v1', 'v2']);
  });
});

describe('who has moved', () => {
  const lease = { generation: 3, runId: 'run', deadline: now, released: true, contested: [] };
  const proven = beginning({
    dependencies: [dependency('billing')],
    deliveries: [moved('billing')],
  });
  const towards = (versionId: string) => ({
    ...proven,
    leases: [{ ...lease, destinationId: 'at billing', versionId }],
  });
  test('is who was proven, and whose destination was given nothing else since', () => {
    const [billing] = proven.dependencies;
    if (billing === undefined) throw new Error('no dependency');
    expect(hasMoved(proven, billing, 'v2')).toBe(true);
    expect(hasMoved(towards('v2'), billing, 'v2')).toBe(true);
    expect(hasMoved(towards('v3'), billing, 'v2')).toBe(false);
  });
});

describe('waves', () => {
  test.each([
    ['in a compromise', { run: { ...fresh, kind: 'compromise' } as const }],
    ['where the value is replaced in place', { traits: { ...traits, overlap: { kind: 'none' } } }],
  ] as const)('there are none %s: nobody waits for a canary', (_name, about) => {
    const dependencies = ['a', 'b', 'c'].map((name) => dependency(name));
    const { waves } = planRun(beginning({ dependencies, deliveries: [], ...about }));
    expect(waves.map(({ name, batches }) => [name, batches.flat().length])).toEqual([
      ['everyone', 3],
    ]);
  });

  const four = ['d', 'b', 'c', 'a'].map((name) =>
    dependency(name, { wave: name === 'a' ? 'last' : 'first' }),
  );
  const waves = [
    { name: 'last', after: ['first'] },
    { name: 'first', after: [] },
  ];
  const names = (given: Facts): string =>
    planRun(given)
      .waves.map(({ name, batches }) => `${name}:${batches.flat().join('')}`)
      .join(' ');

  const assignment = {
    assignee: 'Ada',
    instructions: 'type it in',
    dueWithinMs: day,
    remindEveryMs: day,
    holdsSeveral: false,
  };

  test('follow their declared order, the canary first', () => {
    expect(names(beginning({ dependencies: four, policy: { ...policy, waves } }))).toBe(
      'canary:b first:cd last:a',
    );
  });
  test('a person is the canary only where there are persons alone', () => {
    const person = (name: string) => dependency(name, { assignment });
    const mixed = [person('a'), dependency('b'), dependency('c')];
    expect(names(beginning({ dependencies: mixed }))).toBe('canary:b everyone:ac');
    expect(names(beginning({ dependencies: [person('a'), person('b')] }))).toBe(
      'canary:a everyone:b',
    );
  });
  test('persons in a wave of their own hold nobody up: after everyone, or at least not as the canary', () => {
    const dependencies = [
      dependency('a', { assignment, wave: 'people' }),
      dependency('b'),
      dependency('c', { wave: 'first' }),
      dependency('d'),
    ];
    const inOrder = (...rules: [string, string[]][]): string =>
      names(
        beginning({
          dependencies,
          policy: { ...policy, waves: rules.map(([name, after]) => ({ name, after })) },
        }),
      );
    expect(inOrder(['people', ['everyone']], ['first', []])).toBe('canary:c everyone:bd people:a');
    expect(inOrder(['first', ['people']], ['people', ['everyone']])).toBe(
      'canary:b everyone:d people:a first:c',
    );
    expect(inOrder(['people', []], ['first', []])).toBe('canary:c people:a everyone:bd');
  });
  test('without a canary', () => {
    expect(
      names(beginning({ dependencies: four, policy: { ...policy, waves, canary: false } })),
    ).toBe('first:bcd last:a');
  });
  test('only those who have not moved', () => {
    const deliveries = ['b', 'c', 'd'].map((name) => moved(name));
    expect(names(facts({ dependencies: four, deliveries, policy: { ...policy, waves } }))).toBe(
      'last:a',
    );
  });
  test('3,000 dependents are 60 batches and one for the canary', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => dependency(`n${index}`));
    const batches = planRun(beginning({ dependencies: many })).waves.flatMap(
      (wave) => wave.batches,
    );
    expect(batches).toHaveLength(61);
  });
});

describe('warnings', () => {
  const rows: [string, Facts, string][] = [
    ['nobody declared', beginning({ dependencies: [] }), 'no-dependents-known'],
    [
      'use that cannot be seen',
      beginning({ traits: { ...traits, useRecord: 'sampled' } }),
      'use-not-seen',
    ],
    [
      'a clock that is two minutes behind',
      beginning({ record: { ...(facts().record as RecordFacts), skewMs: -120_000 } }),
      'clocks-differ',
    ],
    [
      'a value that is not known',
      beginning({ versions: [version(1, { current: true, value: 'unknown' })] }),
      'value-unknown',
    ],
    [
      'an issuer with one value',
      beginning({ traits: { ...traits, overlap: { kind: 'none' } } }),
      'replaced-in-place',
    ],
    [
      'a compromise that replaces first',
      beginning({ run: { ...run, kind: 'compromise', options: { replaceFirstMs: 20_000 } } }),
      'replaced-first',
    ],
  ];
  for (const [name, given, code] of rows) {
    test(name, () =>
      expect(planRun(given).warnings.map((warning) => warning.code)).toContain(code),
    );
  }
});
