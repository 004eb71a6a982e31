import { describe, expect, test } from '@jest/globals';
import { capacityOf } from '../../domain/capacity.js';
import type { Facts } from '../../domain/facts.js';
import type { Credential } from '../../domain/issuer.js';
import { day, dependency, facts, traits, version } from './facts.js';

function credential(credentialId: string, createdAt: Date | undefined = undefined): Credential {
  const rest = { expiresAt: undefined, disabled: false, rights: {} };
  return { credentialId, tag: { kind: 'none' }, createdAt, ...rest };
}

const twoSlots = { ...traits, overlap: { kind: 'slots', slots: 2 } } as const;

function told(more: Partial<Facts>, listed?: readonly Credential[]): string[] {
  return capacityOf(facts(more), listed).limits.map(
    ({ told: text, source }) => `${text} (${source})`,
  );
}

function blocks(more: Partial<Facts>, listed?: readonly Credential[]): string[] {
  return capacityOf(facts(more), listed).blockers.map(({ code, message }) => `${code} ${message}`);
}

const old = version(1, { state: 'retiring' });
const current = version(2, { current: true });

describe('room', () => {
  test('what is there is named, as people know it', () => {
    const listed = [credential('c1'), credential('AKIA9')];
    expect(told({ traits: twoSlots, versions: [old, current] }, listed)[0]).toBe(
      "2 credentials at a time, there: v1, AKIA9 (not rotor's) (issuer main)",
    );
  });

  test('an issuer that was not asked or does not answer is no reason to show no plan', () => {
    expect(told({ traits: twoSlots })[0]).toContain('how many there are was not told');
    expect(blocks({ traits: twoSlots })).toEqual([]);
  });

  test('both slots are rotor’s own: the one that is not in service goes first', () => {
    const listed = [credential('c1'), credential('c2')];
    expect(blocks({ traits: twoSlots, versions: [old, current] }, listed)).toEqual([
      expect.stringMatching(
        /^no-free-slot .*v1, v2\. First v1 has to go: rotor revoke .* --version v1$/,
      ),
    ]);
  });

  test('one is somebody else’s: a person removes it, or adopts it', () => {
    const listed = [credential('c2'), credential('AKIA9')];
    expect(blocks({ traits: twoSlots, versions: [current] }, listed)).toEqual([
      expect.stringMatching(/First AKIA9 has to go: remove it there .* or rotor adopt/),
    ]);
  });

  test('one slot is free: nothing is in the way', () => {
    expect(blocks({ traits: twoSlots, versions: [current] }, [credential('c2')])).toEqual([]);
  });
});

describe('time', () => {
  const withValidity = (validityMs: number): Partial<Facts> => {
    const made = facts({});
    return {
      secret: { ...made.secret, specification: { validityMs } },
      dependencies: [dependency('slow', { picksUpWithinMs: day })],
      policy: { ...made.policy, overlapMs: day },
    };
  };

  test('a version that dies before everybody has it, and the overlap is over, is not made', () => {
    expect(blocks(withValidity(2 * day - 1))).toEqual([
      expect.stringMatching(/^validity-too-short a new version lives for/),
    ]);
    expect(blocks(withValidity(2 * day))).toEqual([]);
  });

  test('what leaked is replaced all the same', () => {
    const { run } = facts({});
    expect(blocks({ ...withValidity(day), run: { ...run, kind: 'compromise' } })).toEqual([]);
  });

  test('each limit is told with who says so', () => {
    const limits = told({
      ...withValidity(30 * day),
      traits: {
        ...traits,
        propagationMs: 10_000,
        outlives: 'tokens',
        outlivesMs: 3_600_000,
        lockout: { refusals: 5, forMs: 900_000 },
        longestValidityMs: 365 * day,
      },
    });
    expect(limits.slice(1)).toEqual([
      'a new version lives for 30d, 365d at most (declared)',
      'a change holds everywhere after 10s (issuer main)',
      'tokens go on for 1h at most after a revoke, or are ended (issuer main)',
      '5 refused logins lock everybody out for 15m (issuer main)',
      'slowest to pick it up: slow, within 1d (declared)',
      'the old version lives on for 8d at least (policy standard)',
    ]);
  });

  test('notes of use that come late are waited for, which is told', () => {
    const { record } = facts();
    const late = record && { ...record, resolutionMs: 4 * 3_600_000 };
    expect(told({ record: late }).slice(-2)).toEqual([
      'the record of use is up to 4h late, which is waited for (issuer main)',
      'the old version lives on for 8d 4h at least (policy standard)',
    ]);
  });
});
