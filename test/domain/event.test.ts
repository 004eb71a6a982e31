import { describe, expect, test } from '@jest/globals';
import type { Change } from '../../domain/change.js';
import { runEvents, takes, waitMs, type EventDraft, type RouteRule } from '../../domain/event.js';
import type { WaitFacts } from '../../domain/facts.js';
import { waitAfter } from '../../domain/wait.js';
import { facts, run } from './facts.js';

const all: RouteRule = {
  name: 'all',
  events: undefined,
  owners: undefined,
  organizations: undefined,
  labels: undefined,
  severity: 'info',
  digestMs: undefined,
};

const event: EventDraft = {
  kind: 'blocked',
  severity: 'warning',
  code: 'issuer-failed',
  message: 'x',
  runId: undefined,
  sameness: 'x',
  subject: {
    secretId: '1',
    organization: 'acme',
    name: 'api',
    owner: 'billing',
    labels: { risk: 'high', project: 'x' },
  },
};

describe('a route', () => {
  test.each<[string, Partial<RouteRule>, Partial<EventDraft>, boolean]>([
    ['takes everything where it says nothing', {}, {}, true],
    ['takes its kinds', { events: ['blocked', 'waiting'] }, {}, true],
    ['leaves other kinds out', { events: ['compromise'] }, {}, false],
    ["takes its owners' secrets", { owners: ['billing'] }, {}, true],
    ["leaves other owners' out", { owners: ['other'] }, {}, false],
    ['leaves other organizations out', { organizations: ['other'] }, {}, false],
    ['takes secrets with its labels', { labels: { risk: 'high' } }, {}, true],
    ['leaves other labels out', { labels: { risk: 'high', project: 'y' } }, {}, false],
    [
      'of labels leaves out what is of no secret',
      { labels: { risk: 'high' } },
      { subject: undefined },
      false,
    ],
    ['takes what is as grave as it says', { severity: 'warning' }, {}, true],
    ['leaves out what is less grave', { severity: 'critical' }, {}, false],
    [
      'of an owner leaves out what is of none',
      { owners: ['billing'] },
      { subject: undefined },
      false,
    ],
    ['is not told that it fails itself', {}, { failedRoute: 'all' }, false],
    ['is told that another one fails', {}, { failedRoute: 'other' }, true],
  ])('%s', (...[, rule, draft, taken]) => {
    expect(takes({ ...all, ...rule }, { ...event, ...draft })).toBe(taken);
  });

  test('with a digest holds back what is not critical', () => {
    const digesting = { ...all, digestMs: 900_000 };
    expect(waitMs(digesting, event)).toBe(900_000);
    expect(waitMs(digesting, { ...event, severity: 'critical' })).toBeUndefined();
  });
});

describe('what a run does', () => {
  const told = (change: Change, kind = run.kind) => {
    const [draft] = runEvents(facts({ run: { ...run, kind } }), [change]);
    return draft && `${draft.severity} ${draft.kind} ${draft.code}`;
  };
  const waits = (code: string, until?: Date): Change => ({
    change: 'run-waits',
    code,
    told: 'x',
    until,
  });

  test.each<[string, Change, string | undefined]>([
    ['blocked', waits('issuer-failed'), 'warning blocked issuer-failed'],
    ["waiting for a person's word", waits('approval-needed'), 'warning waiting approval-needed'],
    ['waiting by itself: nobody is told', waits('quiet-period', new Date()), undefined],
    ['trying again: nobody is told', waits('retrying'), undefined],
    ['ended', { change: 'run-ended', outcome: 'succeeded' }, 'info run-finished succeeded'],
    [
      'rolled back',
      { change: 'run-ended', outcome: 'rolled-back' },
      'warning run-finished rolled-back',
    ],
    ['going on: nobody is told', { change: 'run-goes-on' }, undefined],
  ])('%s', (_what, change, expected) => {
    expect(told(change)).toBe(expected);
  });

  test('put off past the moment that it was told: once, and not what goes as it was said', () => {
    const at = (seconds: number): Date => new Date(facts().now.getTime() + seconds * 1_000);
    const toldWith = (code: string, until: number, wait?: WaitFacts) => {
      const change = waits(code, at(until));
      return runEvents(facts({ run: { ...run, wait } }), [change]).map((draft) => draft.code);
    };
    const first = waitAfter(facts(), { code: 'undeclared-use', until: at(0) });
    expect(first).toMatchObject({ promised: at(0), held: false });
    expect(toldWith('undeclared-use', 60)).toEqual([]);
    expect(toldWith('undeclared-use', 60, { ...first, promised: at(30) })).toEqual([]);
    expect(toldWith('undeclared-use', 5, first)).toEqual([]);
    expect(toldWith('quiet-period', 60, first)).toEqual([]);
    expect(toldWith('undeclared-use', 60, first)).toEqual(['undeclared-use']);
    expect(toldWith('record-stands-still', 30, first)).toEqual(['record-stands-still']);
    const held = { ...first, held: true };
    expect(toldWith('undeclared-use', 60, held)).toEqual([]);
    expect(toldWith('version-in-use', 60, held)).toEqual(['version-in-use']);
    const failed = waitAfter(facts({ run: { ...run, wait: held } }), {
      code: 'retrying',
      until: undefined,
    });
    expect(toldWith('undeclared-use', 60, failed)).toEqual(['undeclared-use']);
  });

  test('is graver in a compromise', () => {
    expect(told(waits('issuer-failed'), 'compromise')).toBe('critical blocked issuer-failed');
    expect(told({ change: 'run-ended', outcome: 'succeeded' }, 'compromise')).toBe(
      'warning run-finished succeeded',
    );
  });
});
