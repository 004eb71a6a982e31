import { expect, test } from '@jest/globals';
import { taskText } from '../../client/cli/task-texts.js';

test('instructions of several lines stay below their heading', () => {
  const row = { kind: 'enter', instructions: 'open the page\ntype it in\n', fetched: null };
  const lines = taskText({ ...row, settled: null }).split('\n');
  const first = lines.findIndex((line) => line === 'how       open the page');
  expect(lines[first + 1]).toBe('          type it in');
  expect(lines[first + 2]).toMatch(/^due/);
});
