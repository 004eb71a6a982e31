import { expect, test } from '@jest/globals';
import type { ApiParts } from '../../api/parts.js';
import { showPlan } from '../../api/run-request.js';
import type { RunKind } from '../../domain/run.js';
import type { Principal } from '../../infra/registry/access-tokens.js';
import { PlanBody } from '../../schemas/requests.js';
import { dependency, facts, run, version } from '../domain/facts.js';

/** How often the issuer was asked while the plan was shown. */
async function asked(kind: RunKind): Promise<number> {
  let times = 0;
  const known = facts({
    run: { ...run, kind, plan: undefined },
    versions: [version(1, { current: true })],
    dependencies: [dependency('billing')],
  });
  const ask = async (): Promise<undefined> => void (times += 1);
  const parts = {
    registry: { imagine: async () => known },
    refresh: ask,
    listed: ask,
  } as unknown as ApiParts;
  const whoever = { organization: undefined, person: 'ann' };
  const by: Principal = { name: 'ann', holder: 'person', role: 'admin', ...whoever };
  const params = { organization: 'acme', secret: 'api' };
  const body = PlanBody.parse({ kind });
  const shown = await showPlan(parts, { params, body, by, query: {}, idempotencyKey: undefined });
  expect(shown.ends).toEqual(['v1']);
  return times;
}

test('the plan of a compromise waits for no issuer; of a decommission it is as the issuer says now', async () => {
  expect(await asked('compromise')).toBe(0);
  expect(await asked('decommission')).toBe(2);
});
