import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { asAsked, openBlocked, type Following } from '../../client/cli/blocked.js';
import { watchCampaign, type CampaignWords } from '../../client/cli/campaigns.js';
import { openOutput } from '../../client/cli/output.js';
import type { Row } from '../../client/cli/row.js';
import { watchRun } from '../../client/cli/watch.js';
import type { ApiClient } from '../../client/http.js';

const isTTY = Object.getOwnPropertyDescriptor(process.stdout, 'isTTY');
let written = '';
beforeEach(() => {
  written = '';
  Object.defineProperty(process.stdout, 'isTTY', { value: false, configurable: true });
  jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  Object.defineProperty(process.stdout, 'isTTY', isTTY ?? { value: undefined, configurable: true });
});

const later = '0badcafe-0000-4000-8000-000000000000';
const task = {
  ...{ kind: 'enter', state: 'open', assignee: 'ada', version: 'v2', dependent: 'partner' },
  ...{ due: '2030-01-01T10:00:00.000Z', overdue: false, fetched: null, task: later },
};

const run = { run: 'feedf00d-1', kind: 'rotate', secret: 'acme/api', plan: null };

/** Each time it is asked it is in the next state; in the last one it stays. */
function apiOf(views: readonly unknown[]): ApiClient {
  let asked = 0;
  const get = (): Promise<unknown> => Promise.resolve(views[Math.min(asked++, views.length - 1)]);
  return { get } as unknown as ApiClient;
}

async function follow(states: readonly Row[], options: Following): Promise<number> {
  const views = states.map((state) => ({
    ...{ run: { ...run, outcome: null, ...state }, versions: [], dependencies: [], tasks: [task] },
  }));
  return watchRun({ api: apiOf(views), output: openOutput(false) }, 'feedf00d', options);
}

async function watched(state: Row): Promise<string> {
  await follow([{ state: 'ended', ...state }], {});
  return written;
}

test('in a log, what is due is a moment, and no countdown', async () => {
  expect(await watched({ outcome: 'succeeded' })).toContain('due 2030-01-01T10:00:00.000Z');
});

test('a compromise that waits for the database says what does not', async () => {
  const waits = { waitsCode: 'recovering', waitsTold: 'x', waitsUntil: null };
  const about = { organization: 'acme', secret: 'api', ...waits };
  expect(await watched({ ...about, kind: 'compromise' })).toContain('contain acme/api --direct');
  written = '';
  expect(await watched({ ...about, kind: 'rotate' })).not.toContain('--direct');
});

test('going back, each dependent is shown with what it is given again', async () => {
  const at = '2030-01-01T10:00:00Z';
  const delivery = { delivered: at, moved: at, failure: null, evidence: 'read-back' };
  const given = (dependent: string, again: Row): Row => ({
    ...{ dependent, deliveries: [again, { ...delivery, version: 'v3' }] },
  });
  const dependencies = [
    given('app', { ...delivery, version: 'v2' }),
    given('portal', { ...delivery, version: 'v2', moved: null, failure: 'not-found' }),
  ];
  const versions = ['v2', 'v3'].map((version) => ({ id: version, version, state: 'active' }));
  const plan = { title: 'Roll back acme/api', direction: 'back', towards: 'v2' };
  const view = { run: { ...run, plan, ...succeeded }, versions, dependencies, tasks: [] };
  await watchRun({ api: apiOf([view]), output: openOutput(false) }, 'feedf00d', {});
  const said = stripVTControlCharacters(written);
  expect(said).toMatch(/✓ app +v2 read-back/);
  expect(said).toMatch(/✗ portal +v2 not-found/);
});

test('a run that was superseded names the one that took over', async () => {
  const said = await watched({ outcome: 'superseded', supersededBy: later });
  expect(said).toContain('run 0badcafe took the secret over');
  expect(said).toContain('rotor watch 0badcafe');
});

const succeeded = { state: 'ended', outcome: 'succeeded', waitsCode: null };
const held = (waitsCode: string, waitsUntil: string | null, waitsTold = 'why'): Row => ({
  ...{ state: 'running', waitsCode, waitsUntil, waitsTold },
});

function onTerminal(): void {
  Object.defineProperty(process.stdout, 'isTTY', { value: true, configurable: true });
}

test('a command with --watch ends with 7 in a script once only a person can help, and says what to type', async () => {
  const said: string[] = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const code = await follow([held('task-overdue', null)], asAsked(openOutput(false)));
  expect([code, written]).toEqual([7, expect.stringContaining('next      rotor tasks list')]);
  expect(said).toEqual(['blocked until somebody helps; then rotor watch feedf00d follows it\n']);
  expect(asAsked(openOutput(true))).toEqual({ untilBlocked: true });
});

test('somebody at a terminal goes on watching a run that is blocked', async () => {
  onTerminal();
  const states = [held('paused', null), succeeded];
  expect(await follow(states, asAsked(openOutput(false)))).toBe(0);
  expect(written).toContain('next      rotor resume feedf00d --reason TEXT');
});

test('what passes by itself is watched on in a script: a quiet period, a window, a retry', async () => {
  const later = '2030-01-01T10:00:00.000Z';
  const states = [
    ...[held('quiet-period', later), held('outside-window', later), held('overlap', later)],
    ...[held('retrying', null), held('waiting', null), succeeded],
  ];
  expect(await follow(states, { untilBlocked: true })).toBe(0);
});

test('a run that was put off does not hold up a script for ever, and may just have been helped', () => {
  const isBlocked = openBlocked();
  const inUse = (until: string, waitsHeld: boolean): boolean =>
    isBlocked({ ...held('undeclared-use', until), waitsHeld });
  expect(inUse('2030-01-01T10:00:05.000Z', true)).toBe(false);
  expect(inUse('2030-01-01T10:00:20.000Z', false)).toBe(false);
  expect(inUse('2030-01-01T10:00:20.000Z', true)).toBe(true);
  expect(isBlocked(held('quiet-period', '2030-01-01T10:00:30.000Z'))).toBe(false);
});

test('what names its own command, and what no retry mends, has no second advice', async () => {
  await follow([held('use-not-seen', null, 'If so: rotor decide feedf00d x')], {
    untilBlocked: true,
  });
  await follow([held('no-way-back', null)], { untilBlocked: true });
  expect(written).not.toContain('next');
  await follow([held('destination-failed', null)], { untilBlocked: true });
  expect(written).toContain('rotor decide feedf00d retry --reason TEXT');
  written = '';
  // Nobody is asked any more: a list of what is open would be empty.
  await follow([held('task-declined', null)], { untilBlocked: true });
  expect(written).toContain('rotor decide feedf00d retry --reason TEXT');
});

test('a script that follows a run ends where no worker is alive', async () => {
  const view = { run: { ...run, ...held('waiting', null), outcome: null } };
  const get = (path: string): Promise<unknown> =>
    Promise.resolve(
      path === '/v1/heartbeat'
        ? { life: '1', beat: '7' }
        : { ...view, versions: [], dependencies: [], tasks: [] },
    );
  const context = { api: { get } as unknown as ApiClient, output: openOutput(false) };
  const following = { untilBlocked: true, pace: { everyMs: 1, looks: 2 } };
  await expect(watchRun(context, 'feedf00d', following)).rejects.toMatchObject({
    code: 'no-worker',
    kind: 'unavailable',
  });
});

test('an incident ends with 7 once all that is left of it is blocked, and not while one goes on', async () => {
  const states = { over: 'o', kept: 'k', busy: 'b', living: 'l', waiting: 'w' };
  const words: CampaignWords = { kind: 'incident', report: '', versions: '', states };
  const secret = (name: string, more: Row): Row => ({
    ...{ secret: `acme/${name}`, versions: ['v1'], run: `${name}-run`, failure: null },
    ...{ lives: false, busy: true, waitsCode: null, waitsUntil: null, ...more },
  });
  const stuck = secret('one', { waitsCode: 'destination-failed' });
  const leftAlive = { lives: true, busy: false, failure: 'its run has ended, and it lives' };
  const view = (other: Row): unknown => ({
    campaign: { id: 'feedf00d-1', about: 'acme', ended: null },
    secrets: [stuck, secret('two', other), secret('three', { busy: false })],
  });
  const said: string[] = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const context = {
    api: apiOf([view({}), view({ ...leftAlive, leftAlive: 1 })]),
    output: openOutput(false),
  };
  expect(await watchCampaign(context, words, { id: 'feedf00d', untilBlocked: true })).toBe(7);
  expect(written).toContain('1 o · 1 b · 1 l');
  expect(said.join('')).toContain('acme/two is blocked (its run has ended, and it lives)');
  expect(said.join('')).toContain('acme/one is blocked (destination-failed): rotor watch one-run');
});
