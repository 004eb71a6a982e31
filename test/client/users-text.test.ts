import { stripVTControlCharacters } from 'node:util';
import { expect, test } from '@jest/globals';
import { usersText } from '../../client/cli/views.js';

function seenLines(sources: readonly Readonly<Record<string, string>>[]): string[] {
  const dependency = { connector: 'dotenv', destination: '/a', leastEvidence: 'observed' };
  const told = usersText({
    versions: [],
    dependencies: [
      { ...dependency, id: '1', dependent: 'orders', seenAs: { name: 'orders-*' } },
      { ...dependency, id: '2', dependent: 'nightly', seenAs: null },
    ],
    use: sources.map((source) => ({ version: 'v1', outcome: 'accepted', source, count: 2 })),
    findings: [],
    tasks: [],
  });
  const lines = stripVTControlCharacters(told).split('\n');
  return lines.slice(lines.indexOf('seen') + 2).map((line) => line.trim().split(/ {2,}/).join('|'));
}

test('each that was seen is told by address and by what it is called, with whose use it was', () => {
  expect(
    seenLines([
      { address: '127.0.0.1', name: 'orders-app' },
      { address: '127.0.0.1', name: 'psql' },
      { address: '10.0.0.9', userAgent: 'curl/8' },
      {},
    ]),
  ).toEqual([
    'v1|accepted|orders|127.0.0.1|orders-app|2',
    'v1|accepted|not declared|127.0.0.1|psql|2',
    'v1|accepted|not declared|10.0.0.9|curl/8|2',
    'v1|accepted|not told|2',
  ]);
});
