import { expect, test } from '@jest/globals';
import { countedText } from '../../client/cli/approval.js';

const approved = 'c241dad8'.padEnd(64, '0');

test.each([
  [1, false, 'plan c241dad8 is approved by you: 1 of 2 approvals, still needed: 1'],
  [1, true, 'you have approved plan c241dad8 already: 1 of 2 approvals, still needed: 1'],
  [2, false, 'plan c241dad8 is approved by you: 2 of 2 approvals, the run goes on'],
])('an approval is counted: %p of 2, repeated %p', (holding, repeated, told) => {
  expect(countedText({ approved, holding, needed: 2, repeated })).toBe(told);
});
