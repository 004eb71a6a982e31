import { describe, expect, test } from '@jest/globals';
import type { DecisionFacts, Facts, MayBreak, RunOptions } from '../../domain/facts.js';
import { basisOf, blockersToRevoke } from '../../domain/gate.js';
import { answerTo } from '../../domain/steps/standing.js';
import { traits as clientSecrets } from '../../issuers/client-secrets/index.js';
import { ago, day, dependency, facts, moved, now, run, traits, use, version } from './facts.js';

const codes = (
  given: Facts,
  open: Parameters<typeof blockersToRevoke>[2]['openUse'] = undefined,
): string[] => blockersToRevoke(given, 'v1', { openUse: open }).map(({ code }) => code);
const withOptions = (options: RunOptions, more: Partial<Facts> = {}): Facts =>
  facts({ ...more, run: { ...run, options } });
const outage = (dependents: string[], userAgents: string[] = []): RunOptions => ({
  acceptedOutage: {
    by: 'ann',
    reason: 'known',
    dependents,
    sources: userAgents.map((userAgent) => ({ userAgent })),
  },
});
const accepting = (accepted: Partial<MayBreak>): DecisionFacts => ({
  decisionId: 'd',
  kind: 'accept-outage',
  dependencyId: undefined,
  accepted: { dependents: [], sources: [], ...accepted },
  by: 'bob',
  reason: 'since',
  at: now,
  read: true,
});
const withDecisions = (
  decisions: DecisionFacts[],
  more: Partial<Facts> = {},
  options: RunOptions = {},
): Facts => facts({ ...more, run: { ...run, options, decisions } });
const record = facts().record;
const policy = facts().policy;

describe('nothing speaks against revoking', () => {
  const rows: [string, Facts][] = [
    ['everybody moved and the old version was quiet for the period', facts()],
    [
      'a leak is contained, whatever is in use',
      facts({ run: { ...run, kind: 'compromise' }, uses: [use('v1', 'x', now)] }),
    ],
    [
      'it was never delivered and never used',
      facts({
        versions: [version(1, { confirmedAt: undefined }), version(2, { current: true })],
        uses: [],
      }),
    ],
    [
      'unseen use was accepted for this run',
      withOptions(
        { acceptedUnseenUse: { by: 'ann', reason: 'ok' } },
        { record: record && { ...record, kind: 'sampled' } },
      ),
    ],
    [
      'unseen use was accepted in the policy',
      facts({
        record: record && { ...record, kind: 'sampled' },
        policy: { ...policy, acceptUnseenUse: { by: 'ann', reason: 'ok' } },
      }),
    ],
    ['who breaks was accepted by name', withOptions(outage(['billing']), { deliveries: [] })],
    [
      'an unknown user was accepted by its user agent',
      withOptions(outage([], ['curl/8']), { uses: [use('v1', 'curl/8', now)] }),
    ],
    [
      'who breaks was accepted while the run was under way',
      withDecisions([accepting({ dependents: ['billing'] })], { deliveries: [] }),
    ],
    [
      'a later acceptance adds to the earlier ones',
      withDecisions(
        [
          accepting({ dependents: ['billing'] }),
          accepting({ sources: [{ userAgent: 'curl/8' }] }),
          accepting({ sources: [{ userAgent: 'wget' }] }),
        ],
        { deliveries: [], uses: [use('v1', 'curl/8', now), use('v1', 'wget', now)] },
        outage(['other']),
      ),
    ],
    [
      'unseen use was accepted while the run was under way',
      withDecisions([{ ...accepting({}), kind: 'accept-unseen-use', accepted: undefined }], {
        record: record && { ...record, kind: 'sampled' },
      }),
    ],
    [
      'open use may be ended by policy after the wait',
      facts({ policy: { ...policy, openUse: { waitMs: 0, then: 'end' } } }),
    ],
  ];
  for (const [name, given] of rows) test(name, () => expect(codes(given)).toEqual([]));
});

describe('what blocks a revoke', () => {
  const rows: [string, Facts, string[]][] = [
    ['a dependent that has not moved', facts({ deliveries: [] }), ['dependents-not-moved']],
    [
      'a dependent whose evidence is weaker than it has to be',
      facts({
        deliveries: [{ ...moved('billing'), evidence: 'read-back' }],
      }),
      ['dependents-not-moved'],
    ],
    [
      'a dependent declared meanwhile',
      facts({ dependencies: [dependency('billing'), dependency('new')] }),
      ['dependents-not-moved'],
    ],
    [
      'an outage that names somebody else',
      withOptions(outage(['other']), { deliveries: [] }),
      ['dependents-not-moved'],
    ],
    [
      'a successor that is not confirmed',
      facts({ versions: [version(1, { current: true }), version(2)] }),
      ['successor-not-proven'],
    ],
    [
      'the overlap',
      facts({
        versions: [
          version(1, { state: 'retiring' }),
          version(2, { current: true, confirmedAt: ago(1_000) }),
        ],
      }),
      ['overlap'],
    ],
    [
      'a declared user of the old version within the quiet period',
      facts({ uses: [use('v1', 'billing/1', ago(day))] }),
      ['version-in-use'],
    ],
    [
      'an undeclared user within the quiet period',
      facts({ uses: [use('v1', 'curl/8', ago(day))] }),
      ['undeclared-use'],
    ],
    [
      'use of which the issuer does not tell whose it was',
      facts({ uses: [{ ...use('v1', '', ago(day)), source: {} }] }),
      ['version-in-use'],
    ],
    [
      'an undeclared user that was not accepted',
      withOptions(outage([], ['wget']), { uses: [use('v1', 'curl/8', now)] }),
      ['undeclared-use'],
    ],
    [
      'an acceptance, by its user agent, of somebody who is declared',
      withDecisions([accepting({ sources: [{ userAgent: 'billing/1' }] })], {
        uses: [use('v1', 'billing/1', now)],
      }),
      ['version-in-use'],
    ],
    ['a record that was never read', facts({ record: undefined }), ['record-missing']],
    [
      'a record that stands still',
      facts({
        record: record && { ...record, completeThrough: ago(60_000) },
        uses: [],
      }),
      ['record-stands-still'],
    ],
    [
      'a gap in the record: the clock starts again',
      facts({ record: record && { ...record, continuousSince: ago(day) }, uses: [] }),
      ['quiet-period'],
    ],
    [
      "a promise that the issuer's clock has not reached: it was put back",
      facts({
        record: record && {
          ...record,
          completeThrough: new Date(record.readAt.getTime() + 30 * day),
          continuousSince: ago(day),
        },
        uses: [],
      }),
      ['quiet-period'],
    ],
    [
      'a sampled record that nobody accepted',
      facts({ record: record && { ...record, kind: 'sampled' } }),
      ['use-not-seen'],
    ],
    [
      'a lease that still carries the version',
      facts({
        leases: [
          {
            destinationId: 'd',
            generation: 1,
            versionId: 'v1',
            runId: 'other',
            deadline: new Date(now.getTime() + 1_000),
            released: false,
            contested: [],
          },
        ],
      }),
      ['delivery-in-progress'],
    ],
    [
      'an earlier delivery of the version that never reported, and may still be writing',
      facts({
        leases: [
          {
            destinationId: 'd',
            generation: 2,
            versionId: 'v2',
            runId: 'run',
            deadline: ago(1_000),
            released: true,
            contested: [
              { generation: 1, versionId: 'v1', deadline: new Date(now.getTime() + 1_000) },
            ],
          },
        ],
      }),
      ['delivery-in-progress'],
    ],
    ['an installation that is recovering', facts({ recovering: true }), ['recovering']],
    [
      'a version without a delivery on record, which a set-back may have lost',
      facts({
        versions: [version(1, { confirmedAt: undefined }), version(2, { current: true })],
        uses: [],
        deliveries: [],
        recoveredAt: now,
      }),
      ['dependents-not-moved'],
    ],
    [
      'a dependent that uses it once a month and was not seen on the new version',
      facts({
        dependencies: [
          dependency('billing', { usesAtLeastEveryMs: 30 * day, leastEvidence: 'read-back' }),
        ],
        deliveries: [{ ...moved('billing'), evidence: 'read-back' }],
      }),
      ['version-in-use'],
    ],
  ];
  for (const [name, given, expected] of rows)
    test(name, () => expect(codes(given)).toEqual(expected));

  test('sessions that the policy does not end', () => {
    const open = [{ kind: 'session' as const, id: '1', source: { name: 'psql' }, since: now }];
    expect(
      codes(facts({ policy: { ...policy, openUse: { waitMs: 0, then: 'block' } } }), open),
    ).toEqual(['open-use']);
  });

  test('a revoke without a successor breaks whoever is not proven unused', () => {
    const revoke = {
      ...run,
      kind: 'revoke' as const,
      plan: run.plan && { ...run.plan, towards: undefined },
    };
    const given = facts({ run: revoke, deliveries: [], uses: [use('v1', 'billing/1', ago(day))] });
    expect(codes(given)).toContain('breaks-dependents');
    const breaks = (more: Partial<Facts>) =>
      blockersToRevoke({ ...given, ...more }, 'v1', { openUse: undefined }).find(
        ({ code }) => code === 'breaks-dependents',
      );
    const quiet = new Date(ago(day).getTime() + policy.quietPeriodMs);
    expect(breaks({})?.until).toEqual(quiet);
    const unseen = [dependency('billing', { seenAs: undefined })];
    expect(breaks({ dependencies: unseen })).toMatchObject({ names: ['billing'] });
    expect(breaks({ dependencies: unseen })?.until).toBeUndefined();
  });

  test('the command that accepts it is named, with the run', () => {
    const commands = (given: Facts) =>
      blockersToRevoke(given, 'v1', { openUse: undefined }).map(({ accept }) => accept);
    expect(commands(facts({ deliveries: [] }))).toEqual([
      'rotor decide run accept-outage --dependent NAME --reason TEXT',
    ]);
    expect(commands(facts({ uses: [use('v1', 'curl/8', now)] }))).toEqual([
      'rotor decide run accept-outage --source SOURCE --reason TEXT',
    ]);
    expect(commands(facts({ record: record && { ...record, kind: 'sampled' } }))).toEqual([
      'rotor decide run accept-unseen-use --reason TEXT',
    ]);
  });

  test('an undeclared user says until when it would have to be quiet', () => {
    const at = ago(day);
    const [blocker] = blockersToRevoke(facts({ uses: [use('v1', 'curl/8', at)] }), 'v1', {
      openUse: undefined,
    });
    expect(blocker?.until).toEqual(new Date(at.getTime() + policy.quietPeriodMs));
    expect(blocker?.names).toEqual(['unknown address · curl/8']);
  });
});

describe('the basis of a grant', () => {
  const rows: [string, Facts, string][] = [
    ['seen unused by an exact record', facts(), 'proven-unused'],
    ['contained in a compromise', facts({ run: { ...run, kind: 'compromise' } }), 'contained'],
    [
      'unseen use accepted',
      withOptions(
        { acceptedUnseenUse: { by: 'a', reason: 'b' } },
        { record: record && { ...record, kind: 'sampled' } },
      ),
      'unseen-use-accepted',
    ],
    [
      'never delivered',
      facts({ versions: [version(1, { confirmedAt: undefined }), version(2)], uses: [] }),
      'never-delivered',
    ],
    [
      'an accepted outage that was needed',
      withOptions(outage(['billing']), { deliveries: [] }),
      'accepted-outage',
    ],
    [
      'an outage that was accepted while the run was under way',
      withDecisions([accepting({ dependents: ['billing'] })], { deliveries: [] }),
      'accepted-outage',
    ],
    [
      'somebody accepted to break, whom the disabled version refused',
      withOptions(outage([], ['curl/8']), {
        versions: [
          version(1, { state: 'disabled', disabledAt: ago(day) }),
          version(2, { current: true, confirmedAt: ago(9 * day), runId: 'run' }),
        ],
        uses: [{ ...use('v1', 'curl/8', now), outcome: 'refused' }],
      }),
      'accepted-outage',
    ],
    ['an accepted outage that was not needed', withOptions(outage(['billing'])), 'proven-unused'],
  ];
  for (const [name, given, basis] of rows)
    test(`${name}: ${basis}`, () => expect(basisOf(given, 'v1')).toBe(basis));
});

test('what only takes time is not what a run is said to wait for where something is in the way', () => {
  const until = now;
  const quiet = { code: 'quiet-period', message: 'x', until } as const;
  const dead = { code: 'record-stands-still', message: 'y', until } as const;
  expect(answerTo([quiet, dead], 'z').changes).toMatchObject([{ code: 'record-stands-still' }]);
  expect(answerTo([quiet], 'z').changes).toMatchObject([{ code: 'quiet-period' }]);
});

test('the tables speak of an issuer that exists', () => {
  expect(traits).toEqual({ ...clientSecrets, longestValidityMs: undefined });
});
