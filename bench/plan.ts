/** Reading the facts of a secret with 3,000 dependents, and planning its rotation. */
import { planRun } from '../domain/plan.js';
import { openWorld } from '../test/engine/world.js';
import { declareMany } from './declare-many.js';
import { quantile, type Line } from './measure.js';

const dependents = 3_000;
const rounds = 40;

export async function planBench(): Promise<Line[]> {
  const world = await openWorld();
  await world.adopt();
  await declareMany(world, { count: dependents, evidence: 'observed' });
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    const request = { kind: 'rotate', options: {}, by: 'bench' } as const;
    const facts = await world.registry.imagine({ organization: 'acme', secret: 'api' }, request);
    if (facts === undefined || planRun(facts).waves.length !== 2)
      throw new Error('not the plan that was expected');
    took.push(performance.now() - began);
  }
  await world.close();
  const p95 = quantile(took.slice(5), 0.95);
  return [
    {
      what: 'facts and plan of 3,000 dependents, p95',
      measured: `${p95.toFixed(0)} ms`,
      goal: '≤ 50 ms',
      met: p95 <= 50,
    },
  ];
}
