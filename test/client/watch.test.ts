import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { openOutput } from '../../client/cli/output.js';
import type { Row } from '../../client/cli/row.js';
import { watchRun } from '../../client/cli/watch.js';
import type { ApiClient } from '../../client/http.js';

const isTTY = Object.getOwnPropertyDescriptor(process.stdout, 'isTTY');
let written = '';
beforeEach(() => {
  written = '';
  Object.defineProperty(process.stdout, 'isTTY', { value: false, configurable: true });
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

async function watched(run: Row): Promise<string> {
  const ended = { run: 'feedf00d', kind: 'rotate', secret: 'acme/api', plan: null, state: 'ended' };
  const view = { run: { ...ended, ...run }, versions: [], dependencies: [], tasks: [task] };
  const api = { get: () => Promise.resolve(view) } as unknown as ApiClient;
  await watchRun({ api, output: openOutput(false) }, 'feedf00d', {});
  return written;
}

test('in a log, what is due is a moment, and no countdown', async () => {
  expect(await watched({ outcome: 'succeeded' })).toContain('due 2030-01-01T10:00:00.000Z');
});

test('a run that was superseded names the one that took over', async () => {
  const said = await watched({ outcome: 'superseded', supersededBy: later });
  expect(said).toContain('run 0badcafe took the secret over');
  expect(said).toContain('rotor watch 0badcafe');
});
