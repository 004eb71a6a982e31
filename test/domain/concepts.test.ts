import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { blockerCodes } from '../../domain/blocker.js';
import { evidenceLevels } from '../../domain/evidence.js';
import { grantBases, type Facts } from '../../domain/facts.js';
import { planRun } from '../../domain/plan.js';
import { runKinds, stepNames, type RunKind } from '../../domain/run.js';
import { allowedMoves, versionStates } from '../../domain/version.js';
import { packageRoot } from '../../infra/package-root.js';
import { facts, now, run, traits, version } from './facts.js';

const page = readFileSync(join(packageRoot(), 'docs', 'concepts.md'), 'utf8');

/** Rows of the table whose first column is headed so: its words, and its last cell. */
function table(head: string): Map<string, string> {
  const [, rest = ''] = page.split(new RegExp(`^\\| ${head} .*\\n\\|[ -|]*\\n`, 'm'));
  const [rows = ''] = rest.split('\n\n');
  const cells = rows.split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  return new Map(cells.map((row) => [(row[1] ?? '').replaceAll('`', ''), row.at(-2) ?? '']));
}

function words(text: string): string[] {
  return [...text.matchAll(/`([a-z-]+)`/g)].map(([, word = '']) => word);
}

function section(heading: string): string {
  const [, rest = ''] = page.split(`## ${heading}\n`);
  return rest.split('\n## ')[0] ?? '';
}

test('docs/concepts.md names the states of a version, and which may follow which', () => {
  const rows = [...table('state')].map(([state, next]) => [state, words(next)]);
  expect(rows).toEqual(versionStates.map((state) => [state, allowedMoves[state]]));
});

test('docs/concepts.md names what counts as evidence, the strongest first', () => {
  expect([...table('evidence').keys()]).toEqual([...evidenceLevels].reverse());
});

test('docs/concepts.md says of every step what it does', () => {
  expect([...table('step').keys()].sort()).toEqual([...stepNames].sort());
});

const quarter = { windows: [], blackouts: [], zone: 'UTC' };
const approval = { kinds: runKinds, labels: {}, needed: 1, by: [], livesMs: 1 };

/** The steps of a run that has everything to do, under a policy that asks for all, or for nothing. */
function steps(kind: RunKind, asksForAll: boolean, more: Partial<Facts> = {}): string {
  const { policy } = facts();
  const asking = { ...policy, approvals: [approval], maintenance: quarter };
  const versionIds = kind === 'revoke' ? { versionIds: ['v1'] } : {};
  return planRun(
    facts({
      run: { ...run, kind, plan: undefined, requestedAt: now, options: versionIds },
      versions: [version(1, { current: true })],
      deliveries: [],
      policy: asksForAll ? asking : { ...policy, disablePeriodMs: 0 },
      ...more,
    }),
  ).steps.join(' ');
}

test('docs/concepts.md lists the steps of each kind of run as they are planned', () => {
  const rows = table('run');
  expect([...rows.keys()]).toEqual([...runKinds]);
  for (const kind of runKinds) {
    const listed = rows.get(kind) ?? '';
    expect(steps(kind, true)).toBe(listed.replaceAll('?', ''));
    expect(steps(kind, false)).toBe(listed.replaceAll(/\w+\? /g, ''));
  }
});

test('docs/concepts.md lists the steps of issuers that keep one value only', () => {
  const inPlace = { traits: { ...traits, overlap: { kind: 'none' as const } } };
  const [, rotate, compromise] = /one value only: (.*); of a compromise: (.*)\./.exec(page) ?? [];
  expect(steps('rotate', true, inPlace)).toBe(rotate?.replaceAll('?', ''));
  expect(steps('compromise', true, inPlace)).toBe(compromise);
});

test('docs/concepts.md names codes of the gate and bases of a grant as they are', () => {
  const named = words(section('What the gate asks'));
  expect(named.filter((word) => (grantBases as readonly string[]).includes(word)).sort()).toEqual(
    [...grantBases].sort(),
  );
  const known = new Set<string>([...blockerCodes, ...grantBases]);
  expect(named.filter((word) => !known.has(word))).toEqual([]);
});
