import { stripVTControlCharacters } from 'node:util';
import { expect, test } from '@jest/globals';
import { discoveryText } from '../../client/cli/discover.js';

test('a file whose name goes over several lines is told in one', () => {
  const forged = '/srv/a\n\nlooked at\n  /srv: all of it';
  const told = discoveryText({
    secret: 'acme/api',
    copies: [
      {
        ...{ version: 'v1', state: 'active', current: true, where: forged, declaredFor: [] },
        ...{ severity: 'warning', todo: 'declare it' },
      },
    ],
    furtherCopies: 0,
    users: [],
    record: 'complete',
    looked: [],
    passedOver: [{ where: forged, why: 'it is too large' }],
    furtherPassedOver: 0,
    valueUnknown: [],
  });
  const lines = stripVTControlCharacters(told).split('\n');
  expect(lines.filter((line) => line === 'looked at')).toHaveLength(1);
  expect(lines).toContain('  /srv/a  looked at   /srv: all of it: it is too large');
});
