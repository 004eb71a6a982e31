/** The part of a sweep that asks nobody, over 10,000 secrets that each have a finding. */
import { sweepRegistry } from '../activities/sweep.js';
import { openWorld, type World } from '../test/engine/world.js';
import type { Line } from './measure.js';

const secrets = 10_000;

export async function sweepBench(): Promise<Line[]> {
  const world = await openWorld();
  await fill(world);
  const first = await sweepOnce(world);
  const again = await sweepOnce(world);
  await world.close();
  if (first.opened < secrets || again.opened > 0) throw new Error('not what was to be found');
  const slowest = Math.max(first.tookMs, again.tookMs);
  return [
    {
      what: 'sweep of 10,000 secrets, asking no issuer',
      measured: `${(first.tookMs / 1_000).toFixed(1)} s, again ${(again.tookMs / 1_000).toFixed(1)} s`,
      goal: '≤ 5 s',
      met: slowest <= 5_000,
    },
  ];
}

async function sweepOnce({ registry }: World): Promise<{ opened: number; tookMs: number }> {
  const began = performance.now();
  let opened = 0;
  let after: string | undefined;
  do {
    const swept = await sweepRegistry({ registry, reached: () => undefined }, { after });
    opened += swept.opened;
    after = swept.next;
  } while (after !== undefined);
  return { opened, tookMs: performance.now() - began };
}

/** Two versions each, one dependent, and twenty minutes of use by it and by somebody else. */
async function fill({ database: { ownerPool }, secretId }: World): Promise<void> {
  await ownerPool.query(
    `with made as (
       insert into rotor.secrets (organization_id, name, owner, issuer, specification, policy_id)
       select s.organization_id, 'n' || n, 'team', 'main', '{}', s.policy_id
       from rotor.secrets s, generate_series(1, $2::int) n where s.id = $1 returning id, name),
     dependents as (
       insert into rotor.dependents (organization_id, name, owner)
       select s.organization_id, 'n' || n, 'team'
       from rotor.secrets s, generate_series(1, $2::int) n where s.id = $1 returning id, name),
     places as (
       insert into rotor.destinations (connector, identity, address)
       select 'memory', 'n' || n, '{}' from generate_series(1, $2::int) n returning id, identity),
     versions as (
       insert into rotor.versions (id, secret_id, ordinal, state, is_current, origin, value,
         credential_id, activated_at, confirmed_at)
       select gen_random_uuid(), made.id, v, case when v = 1 then 'retiring' else 'active' end, v = 2,
         'adopted', 'sealed', 'c' || v, now() - interval '9 days', now() - interval '9 days'
       from made, generate_series(1, 2) v returning id, secret_id),
     records as (
       insert into rotor.use_records (secret_id, kind, complete_through, continuous_since, resolution_ms, skew_ms)
       select id, 'exact', now(), now() - interval '9 days', 0, 0 from made)
     insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner, least_evidence, seen_as, picks_up_within_ms)
     select made.id, d.id, p.id, 'team', 'observed', jsonb_build_object('userAgent', made.name), 0
     from made join dependents d using (name) join places p on p.identity = made.name`,
    [secretId, secrets],
  );
  await ownerPool.query(
    `insert into rotor.use (version_id, source_key, outcome, minute, source, first_at, last_at, count)
     select v.id, w.who, 'accepted', at, jsonb_build_object('userAgent', case w.who when 'own' then s.name else 'cron' end), at, at, 3
     from rotor.versions v join rotor.secrets s on s.id = v.secret_id, (values ('own'), ('other')) w(who),
       generate_series(date_trunc('minute', now()) - interval '10 minutes', now(), '1 minute') at
     where v.is_current`,
  );
  await ownerPool.query('analyze');
}
