import { describe, expect, test } from '@jest/globals';
import { countsIfOpenedBefore, openedBefore } from '../../domain/issuer-ways.js';
import { ago, facts, traits, version } from './facts.js';

describe('what is open where the issuer shows it for the principal alone', () => {
  const apart = { ...traits, tellsOpenUseApart: false };
  const versions = [
    version(1, { activatedAt: ago(90_000), current: true }),
    version(2, { activatedAt: ago(60_000) }),
    version(3, { activatedAt: ago(30_000), state: 'revoked' }),
  ];

  test("counts as the old version's if it was opened before another could be used", () => {
    const given = facts({ traits: apart, versions });
    expect(countsIfOpenedBefore(given, 'v1')).toEqual(ago(60_000));
    const session = (since: Date) =>
      ({ kind: 'session', id: String(since.getTime()), source: {}, since }) as const;
    const open = [session(ago(61_000)), session(ago(59_000))];
    expect(openedBefore(open, countsIfOpenedBefore(given, 'v1'))).toEqual(open.slice(0, 1));
  });

  test('counts in any case where no other version can be used, or where it is told apart', () => {
    const alone = facts({
      traits: apart,
      versions: [version(1), version(3, { state: 'revoked' })],
    });
    expect(countsIfOpenedBefore(alone, 'v1')).toBeUndefined();
    expect(countsIfOpenedBefore(facts({ versions }), 'v1')).toBeUndefined();
    expect(
      openedBefore([{ kind: 'session', id: '1', source: {}, since: ago(0) }], undefined),
    ).toHaveLength(1);
  });
});
