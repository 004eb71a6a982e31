/** Reading the facts of a secret with 3,000 dependents, and planning its rotation. */
import { planRun } from '../domain/plan.js';
import { openWorld } from '../test/engine/world.js';
import { quantile, type Line } from './measure.js';

const dependents = 3_000;
const rounds = 40;

export async function planBench(): Promise<Line[]> {
  const world = await openWorld();
  await world.adopt();
  await world.database.ownerPool.query(
    `with made as (
       insert into rotor.dependents (organization_id, name, owner)
       select o.id, 'n' || n, 'team' from rotor.organizations o, generate_series(1, $2::int) n returning id, name),
     places as (
       insert into rotor.destinations (connector, identity, address)
       select 'memory', 'n' || n, '{}' from generate_series(1, $2::int) n returning id, identity)
     insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner, least_evidence, seen_as, picks_up_within_ms)
     select $1, made.id, places.id, 'team', 'observed', jsonb_build_object('userAgent', made.name), 0
     from made join places on places.identity = made.name`,
    [world.secretId, dependents],
  );
  await world.database.ownerPool.query('analyze');
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
