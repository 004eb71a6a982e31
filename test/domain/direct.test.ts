import { describe, expect, test } from '@jest/globals';
import {
  leftAlone,
  requestsOf,
  targetsOf,
  type Containment,
  type KnownSecret,
  type KnownVersion,
} from '../../domain/direct.js';
import type { Credential, TagReading } from '../../domain/issuer.js';

const version = (ordinal: number, more: Partial<KnownVersion> = {}): KnownVersion => ({
  versionId: `id-${ordinal}`,
  ordinal,
  state: 'active',
  current: false,
  origin: 'minted',
  credentialId: `c${ordinal}`,
  ...more,
});

const known = (versions: readonly KnownVersion[]): KnownSecret => ({
  secretId: 's',
  organization: 'acme',
  name: 'api',
  owner: 'team',
  issuer: 'main',
  specification: {},
  versions,
  dependents: [],
});

const credential = (credentialId: string, tag: TagReading): Credential => ({
  credentialId,
  tag,
  createdAt: undefined,
  expiresAt: undefined,
  disabled: false,
  rights: {},
});
const ours = (id: string, versionId: string) => credential(id, { kind: 'ours', versionId });

describe('what is ended', () => {
  const secret = known([
    version(1, { state: 'retiring', origin: 'adopted' }),
    version(2, { current: true }),
    version(3),
    version(4, { state: 'pending', credentialId: undefined }),
  ]);
  const look = (scope: 'all' | { ordinal: number }, listed?: readonly Credential[]) =>
    targetsOf(secret, { installationId: 'i', scope, listed }).map(
      ({ credentialId, tag }) => `${credentialId} ${tag ?? 'no tag'}`,
    );

  test('is all that lives, the version in service first, then the newest', () => {
    expect(look('all')).toEqual(['c2 i/id-2', 'c3 i/id-3', 'c1 no tag']);
  });

  test('is what was minted since, too, where the issuer lists it with our tag', () => {
    const listed = [
      ours('c2', 'id-2'),
      ours('c4', 'id-4'),
      ours('c5', 'id-5'),
      credential('foreign', { kind: 'foreign' }),
      credential('by-hand', { kind: 'none' }),
    ];
    const ended = look('all', listed);
    expect(ended).toEqual(['c2 i/id-2', 'c4 i/id-4', 'c3 i/id-3', 'c1 no tag', 'c5 i/id-5']);
    const ids = ended.map((one) => ({ credentialId: one.split(' ')[0] ?? '' }));
    expect(leftAlone(listed, ids)).toEqual(['foreign', 'by-hand']);
  });

  test('is both, where a mint that was repeated has made two of one version', () => {
    const twice = [
      ours('c3-again', 'id-3'),
      ours('c3', 'id-3'),
      ours('c4a', 'id-4'),
      ours('c4b', 'id-4'),
    ];
    expect(look({ ordinal: 3 }, twice)).toEqual(['c3 i/id-3', 'c3-again i/id-3']);
    expect(look({ ordinal: 4 }, twice)).toEqual(['c4a i/id-4', 'c4b i/id-4']);
    expect(look('all', twice)).toHaveLength(6);
  });

  test('is the named version only, where one is named', () => {
    expect(look({ ordinal: 3 }, [ours('c5', 'id-5')])).toEqual(['c3 i/id-3']);
    expect(look({ ordinal: 4 }, [ours('c4', 'id-4')])).toEqual(['c4 i/id-4']);
    expect(() => look({ ordinal: 9 })).toThrow('the inventory knows no live v9');
  });
});

describe('what is asked for once rotor is back', () => {
  const contained = (id: string, minute: number, more: Partial<Containment> = {}): Containment => ({
    containmentId: id,
    organization: 'acme',
    secret: 'api',
    secretId: 's',
    reason: 'leaked',
    by: 'jo',
    account: 'root',
    host: 'here',
    versionIds: undefined,
    begunAt: `2026-01-01T00:0${minute}:00.000Z`,
    lastAt: `2026-01-01T00:0${minute}:30.000Z`,
    credentials: [],
    ...more,
  });
  const options = (...all: Containment[]) => requestsOf(all).map((one) => one.options);

  test('is one request for each secret, under the key of the last containment', () => {
    const requests = requestsOf([
      contained('b', 2, { by: 'al', reason: 'again' }),
      contained('a', 1),
      contained('c', 3, { secretId: 'other', secret: 'other' }),
    ]);
    expect(requests.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['direct:b', 'direct:c']);
    expect(requests.map(({ containments }) => containments.length)).toEqual([2, 1]);
    expect(requests[0]).toMatchObject({ by: 'jo', reason: 'leaked' });
    expect(requests[0]?.actor).toBe('jo (directly, as root on here, not authenticated)');
  });

  test('ends all that was minted until the last of them was over', () => {
    const leakedBefore = '2026-01-01T00:02:30.000Z';
    const ended = { credentialId: 'c2', versionId: 'id-2', outcome: 'gone' } as const;
    const first = contained('a', 1, { credentials: [ended] });
    const both = options(first, contained('b', 2));
    expect(both).toEqual([{ leakedBefore, alsoVersionIds: ['id-2'] }]);
    const named = contained('b', 2, { versionIds: ['id-1'] });
    expect(options(first, named)).toEqual([{ leakedBefore, alsoVersionIds: ['id-1', 'id-2'] }]);
  });

  test('ends the named versions only, where every containment named some', () => {
    const first = contained('a', 1, { versionIds: ['id-1'] });
    const second = contained('b', 2, { versionIds: ['id-2', 'id-1'] });
    expect(options(first, second)).toEqual([{ versionIds: ['id-1', 'id-2'] }]);
  });
});
