import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { blockerCodes } from '../../domain/blocker.js';
import { findingCodes, findingKinds, muteProblem } from '../../domain/finding.js';
import { packageRoot } from '../../infra/package-root.js';

function document(name: string): string {
  return readFileSync(join(packageRoot(), 'docs', name), 'utf8');
}

test('the runbook has a heading for every code of a blocker, and of a finding', () => {
  const headings = [...document('runbook.md').matchAll(/^## (.+)$/gm)].map(([, name]) => name);
  const codes = [...new Set<string>([...blockerCodes, ...findingCodes])];
  expect(headings.sort()).toEqual(codes.sort());
});

test('docs/findings.md says of every code what the program says', () => {
  const rows = findingCodes.map((code) => {
    const { severity, is, todo, closes } = findingKinds[code];
    return `| [${code}](runbook.md#${code}) | ${severity} | ${is} | ${todo} | ${closes} |`;
  });
  const written = document('findings.md')
    .split('\n')
    .filter((line) => line.startsWith('| ['));
  expect(written.map((line) => line.replaceAll(/ +/g, ' '))).toEqual(rows);
});

describe('a mute', () => {
  const now = new Date('2026-06-01T00:00:00Z');
  test.each([
    ['that has ended already is refused', '2026-05-31', 'the end of a mute lies in the future'],
    ['that ends now is refused', '2026-06-01', 'the end of a mute lies in the future'],
    ['of more than a year is refused', '2027-06-03', 'a mute lasts a year at most'],
    ['of a year is fine', '2027-06-01', undefined],
  ])('%s', (_name, until, problem) => {
    expect(muteProblem(new Date(until), now)).toBe(problem);
  });
});
