import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../infra/package-root.js';

interface Ordered {
  readonly path: string;
}

interface Order {
  readonly default: new () => { sort(tests: readonly Ordered[]): Promise<readonly Ordered[]> };
}

/** What jest knows of a file in a fresh clone: its size, and no times. */
function unmeasured(file: string, size: number) {
  const context = { config: { cache: false }, hasteFS: { getSize: () => size } };
  return { path: `/anywhere/dist/test/${file}`, context };
}

test('in a fresh clone the slow folders come first, and within a folder the largest file', async () => {
  const { default: SlowFirst } = (await import(
    join(packageRoot(), 'scripts', 'test-order.mjs')
  )) as Order;
  const ordered = await new SlowFirst().sort([
    unmeasured('domain/gate.test.js', 90),
    unmeasured('product/cli.test.js', 80),
    unmeasured('faults/kill-small.test.js', 1),
    unmeasured('engine/runs.test.js', 70),
    unmeasured('faults/kill-large.test.js', 2),
    unmeasured('api/http.test.js', 95),
  ]);
  expect(ordered.map(({ path }) => path.replace('/anywhere/dist/test/', ''))).toEqual([
    'faults/kill-large.test.js',
    'faults/kill-small.test.js',
    'engine/runs.test.js',
    'product/cli.test.js',
    'api/http.test.js',
    'domain/gate.test.js',
  ]);
});
