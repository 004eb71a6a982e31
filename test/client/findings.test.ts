import { expect, test } from '@jest/globals';
import { todoOf } from '../../client/cli/findings.js';

test('what to do about a finding names the task or the run that it is about', () => {
  const about = '0badcafe-0000-4000-8000-000000000000';
  expect(todoOf('task-overdue', about)).toContain('rotor tasks show 0badcafe ');
  expect(todoOf('unreviewed-break-glass', about)).toContain('rotor review 0badcafe ');
  expect(todoOf('task-overdue', null)).toContain('rotor tasks show TASK');
});
