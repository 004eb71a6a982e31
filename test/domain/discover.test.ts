import { describe, expect, test } from '@jest/globals';
import { copiesOf, findingsOf, isOver, type Discovered } from '../../domain/discover/judge.js';
import { shownTo, type DiscoveryTold } from '../../domain/discover/told.js';
import type { SweptDependency, SweptSecret, SweptVersion } from '../../domain/sweep/facts.js';

const now = new Date('2026-06-01T00:00:00Z');

function version(ordinal: number, more: Partial<SweptVersion> = {}): SweptVersion {
  return {
    versionId: `id-${ordinal}`,
    ordinal,
    state: 'active',
    current: true,
    origin: 'minted',
    value: 'sealed',
    credentialId: `c-${ordinal}`,
    createdAt: now,
    activatedAt: now,
    confirmedAt: now,
    expiresAt: undefined,
    revokedAt: undefined,
    endedCause: undefined,
    ...more,
  };
}

function dependency(dependent: string, identity: string): SweptDependency {
  return {
    dependencyId: dependent,
    dependent,
    seenAs: undefined,
    usesAtLeastEveryMs: undefined,
    picksUpWithinMs: 0,
    declaredAt: now,
    destinationId: `at ${identity}`,
    connector: 'dotenv',
    identity,
    address: { variable: identity.split('#')[1] },
    delivered: true,
    withheld: false,
    byPerson: false,
  };
}

function secret(more: Partial<SweptSecret> = {}): SweptSecret {
  return {
    now,
    secretId: 's',
    name: 'acme/api',
    owner: 'team',
    documentation: undefined,
    issuer: 'main',
    specification: {},
    createdAt: now,
    scheduled: false,
    quietPeriodMs: 0,
    busy: false,
    versions: [version(1)],
    dependencies: [dependency('app', '/srv/app.env#API')],
    retired: [],
    uses: [],
    record: undefined,
    called: [],
    open: [],
    ...more,
  };
}

function found(...places: string[]): Discovered {
  return {
    secret: secret(),
    met: places.map((identity) => ({ spot: { identity }, versionId: 'id-1', whole: true })),
    destinations: [],
    covered: ['/srv/'],
    read: [],
    passedOver: [],
  };
}

const severities = (discovered: Discovered): unknown[] =>
  copiesOf(discovered).map(({ where, severity }) => [where, severity]);

describe('a copy', () => {
  test('that is declared is no finding', () => {
    const discovered = found('/srv/app.env#API', '/srv/old.env#API');
    expect(severities(discovered)).toEqual([
      ['/srv/old.env#API', 'warning'],
      ['/srv/app.env#API', undefined],
    ]);
    expect(findingsOf(discovered).map(({ about }) => about)).toEqual(['id-1 /srv/old.env#API']);
  });

  test.each([
    ['lives and is not the current one is critical', { current: false }, 'critical'],
    ['is about to end is critical', { current: false, state: 'retiring' }, 'critical'],
    ['is revoked is told, and no finding', { current: false, state: 'revoked' }, undefined],
  ] as const)('of a version that %s', (_name, more, severity) => {
    const discovered = { ...found('/srv/x'), secret: secret({ versions: [version(1, more)] }) };
    expect(severities(discovered)).toEqual([['/srv/x', severity]]);
    expect(findingsOf(discovered)).toHaveLength(severity === undefined ? 0 : 1);
  });

  test('in a process that has the variable of a declared file is named, and not excused', () => {
    const spot = { identity: 'process node#API', detail: 'pid 7', variable: 'API' };
    const discovered = { ...found(), met: [{ spot, versionId: 'id-1', whole: true }] };
    expect(copiesOf(discovered)).toMatchObject([{ likely: 'app', severity: 'info' }]);
    expect(findingsOf(discovered)).toHaveLength(1);
  });

  test('at the place of a retired dependent is left to the sweep', () => {
    const retired = [dependency('gone', '/srv/gone.env#API')];
    const discovered = { ...found('/srv/gone.env#API'), secret: secret({ retired }) };
    expect(severities(discovered)).toEqual([['/srv/gone.env#API', undefined]]);
  });

  test('at the place of another secret is told with whose it is, and is not declared there', () => {
    const other = { ...found('/srv/b.env#B'), destinations: [destination(['acme'])] };
    expect(copiesOf(other)).toMatchObject([{ declaredFor: ['acme/b (b)'], severity: 'warning' }]);
    expect(copiesOf(other)[0]?.declare).toBeUndefined();
  });
});

function destination(organizations: readonly string[]) {
  return {
    destinationId: 'd',
    connector: 'dotenv',
    identity: '/srv/b.env#B',
    address: {},
    users: ['acme/b (b)'],
    organizations,
  };
}

describe('a place of another organization', () => {
  const discovered = { ...found('/srv/b.env#B'), destinations: [destination(['other'])] };

  test('is not named in a finding', () => {
    const text = JSON.stringify(findingsOf(discovered));
    expect(text).toContain('a place of another organization');
    expect(text).not.toContain('b.env');
  });

  test('is named to who may see all, and not to one organization', () => {
    const told: DiscoveryTold = {
      ...{ secret: 'acme/api', copies: copiesOf(discovered), furtherCopies: 0, users: [] },
      ...{ record: '', looked: [], furtherPassedOver: 1, valueUnknown: [] },
      passedOver: [{ where: '/srv/c', why: 'is no file' }],
    };
    expect(JSON.stringify(shownTo(told, undefined))).toContain('b.env');
    expect(JSON.stringify(shownTo(told, 'acme'))).not.toMatch(/b\.env|\/srv\/c/);
    expect(shownTo(told, 'acme')).toMatchObject({ furtherPassedOver: 2 });
  });
});

describe('a finding of before', () => {
  const open = ['/srv/x', '/elsewhere/y', '/srv/app.env#API'].map((where) => ({
    code: 'undeclared-copy' as const,
    about: `id-1 ${where}`,
    versionId: 'id-1',
    firstAt: now,
    lastAt: now,
  }));
  const over = (more: Partial<Discovered>): string[] => {
    const discovered = { ...found(), secret: secret({ open }), ...more };
    return isOver(discovered, findingsOf(discovered)).map(({ about }) => about.slice(5));
  };

  test('is over where it was looked at and is gone, and where it is declared', () => {
    expect(over({})).toEqual(['/srv/x', '/srv/app.env#API']);
  });

  test('stays open where its place was passed over', () => {
    expect(over({ passedOver: [{ where: '/srv', why: 'cannot be read' }] })).toEqual([
      '/srv/app.env#API',
    ]);
  });

  test('stays open where only a place was read that is called alike', () => {
    const read = ['/srv/app.env#AP', '/srv/x'];
    expect(over({ covered: [], read })).toEqual(['/srv/x', '/srv/app.env#API']);
    expect(over({ covered: [], read: ['/srv/'] })).toEqual(['/srv/app.env#API']);
  });

  test('is over with its version', () => {
    const versions = [version(1, { state: 'revoked' })];
    expect(over({ secret: secret({ open, versions }), covered: [] })).toHaveLength(3);
  });

  test('stays while it is still there', () => {
    const met = [{ spot: { identity: '/srv/x' }, versionId: 'id-1', whole: true }];
    expect(over({ met })).toEqual(['/srv/app.env#API']);
  });
});
