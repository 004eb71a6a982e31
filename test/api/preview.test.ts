import { expect, test } from '@jest/globals';
import { previewOf } from '../../api/preview.js';
import { planRun } from '../../domain/plan.js';
import { dependency, facts, now, version } from '../domain/facts.js';

const closed = { told: 'outside the maintenance windows; it opens at 22:00', until: now };
const shown = (more: Partial<Parameters<typeof facts>[0]>) => {
  const found = facts({
    versions: [version(1)],
    dependencies: [dependency('billing')],
    ...more,
  });
  return previewOf(found, planRun(found)).waits;
};

test('a plan says that the maintenance window is closed, and until when', () => {
  expect(shown({ closed })).toEqual([closed.told]);
  expect(shown({ closed: undefined })).toEqual([]);
});
