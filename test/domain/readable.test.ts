import { expect, test } from '@jest/globals';
import { readableLines, readableName } from '../../domain/readable.js';
import { byMinute } from '../../issuers/by-minute.js';

const escaping = '\u001b[2J\u001b]0;title\u0007\u202eevil\u009b1A\r\n';

test('a name keeps nothing that steers a terminal, is one line, and ends at 200 characters', () => {
  expect(readableName(`billing/1 ${escaping}`)).toBe('billing/1 [2J]0;titleevil1A');
  expect(readableName('x'.repeat(8_000))).toBe('x'.repeat(200));
  expect(readableName(`${'x'.repeat(199)}😀`)).toBe('x'.repeat(199));
});

test('lines keep their colors, and nothing else that steers a terminal', () => {
  const line = `\u001b[31merror\u001b[39m a\tb\n\u001b[8m${escaping}`;
  expect(readableLines(line)).toBe('\u001b[31merror\u001b[39m a\tb\n[8m[2J]0;titleevil1A\n');
});

test('what a user of a credential calls itself is readable, whichever issuer saw it', () => {
  const lastAt = new Date('2026-01-31T12:00:30Z');
  const use = { credentialId: 'c', outcome: 'accepted', lastAt, count: 1 } as const;
  const seen = byMinute(
    ['name', `na${escaping}me`].map((name) => ({ ...use, source: { address: '::1', name } })),
  );
  expect(seen.map(({ source }) => source)).toEqual([
    { address: '::1', name: 'name' },
    { address: '::1', name: 'na[2J]0;titleevil1Ame' },
  ]);
});
