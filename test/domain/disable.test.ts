import { describe, expect, test } from '@jest/globals';
import type { EffectFacts, UseFacts } from '../../domain/facts.js';
import { broughtBack, decideDisable, finishDisable, newLease } from '../../domain/steps/disable.js';
import { disableLeaseMs } from '../../domain/stragglers.js';
import { ago, facts, now, run, use } from './facts.js';

/** The call was begun a second ago, and whoever made it did not live to record it. */
const begun: EffectFacts = {
  effectId: 'crashed',
  runId: 'run',
  kind: 'disable',
  versionId: 'v1',
  deadline: new Date(ago(1_000).getTime() + disableLeaseMs),
  finished: false,
};

const refused = (msAgo: number): UseFacts => ({
  ...use('v1', 'rarely', ago(msAgo)),
  outcome: 'refused',
});

test('who was accepted to break is no straggler, and brings nothing back', () => {
  const given = { effects: [begun], uses: [refused(500)] };
  const sources = [{ userAgent: 'rarely' }];
  const acceptedOutage = { by: 'ann', reason: 'x', dependents: [], sources };
  const accepted = facts({ ...given, run: { ...run, options: { acceptedOutage } } });
  expect(decideDisable(facts(given), 'next').result).toMatchObject({ kind: 'bring-back' });
  expect(decideDisable(accepted, 'next').result).toMatchObject({ kind: 'disable' });
});

describe('a disabling that crashed before it was recorded', () => {
  const crashed = facts({ effects: [begun], uses: [refused(500)] });

  test('who was refused since its begin is a straggler', () => {
    expect(decideDisable(crashed, 'next').result).toEqual({ kind: 'bring-back', versionId: 'v1' });
    const { changes } = broughtBack(crashed, 'v1');
    expect(changes).toMatchObject([
      { change: 'effect-finished', effectId: 'crashed' },
      { change: 'found', finding: { code: 'straggler' } },
    ]);
  });

  test('who was refused before is none, and disabling goes on', () => {
    const before = facts({ effects: [begun], uses: [refused(1_500)] });
    expect(decideDisable(before, 'next').result).toMatchObject({ kind: 'disable' });
  });

  test('the repetition settles both', () => {
    const both = facts({ effects: [begun, { ...begun, effectId: 'next' }] });
    const order = {
      kind: 'disable',
      versionId: 'v1',
      ...newLease(both),
      at: now,
      effectId: 'next',
    } as const;
    const ids = finishDisable(both, order).changes.filter((c) => c.change === 'effect-finished');
    expect(ids.map(({ effectId }) => effectId)).toEqual(['crashed', 'next']);
  });
});
