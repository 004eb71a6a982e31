import { expect, test } from '@jest/globals';
import { tokensText } from '../../client/cli/views.js';

test('whose a token is stands beside its name: two of one person are no two persons', () => {
  const token = { role: 'approver', organization: null, expiresAt: null, revokedAt: null };
  const text = tokensText([
    { ...token, name: 'ada-laptop', holder: 'person', person: 'ada' },
    { ...token, name: 'ci', holder: 'service', person: null },
  ]);
  expect(text).toMatch(/ada-laptop +ada +approver/);
  expect(text).toMatch(/ci +\(a program\) +approver/);
});
