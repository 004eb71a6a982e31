import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { planCampaign } from '../../infra/registry/campaign-request.js';
import { openDatabase } from '../harness/database.js';

test('what a system held is held against its name, also where it was retired and declared anew', async () => {
  const { ownerPool, pool, close } = await openDatabase();
  try {
    for (const [name, retired] of [
      ['older', 'now()'],
      ['newer', 'null'],
    ] as const) {
      await ownerPool.query(
        `with o as (insert into rotor.organizations (name) values ('acme')
             on conflict (name) do update set name = 'acme' returning id),
           s as (insert into rotor.secrets (organization_id, name, owner, issuer, specification)
             select id, $1, 'team', 'main', '{}' from o returning id),
           v as (insert into rotor.versions (id, secret_id, ordinal, state, origin, value, credential_id)
             select $2, id, 1, 'active', 'adopted', 'unknown', $1 from s),
           t as (insert into rotor.dependents (organization_id, name, owner, retired_at)
             select id, 'host', 'team', ${retired} from o returning id),
           d as (insert into rotor.destinations (connector, identity, address)
             values ('memory', $1, '{}') returning id)
         insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner, least_evidence,
           picks_up_within_ms, retired_at)
         select s.id, t.id, d.id, 'team', 'read-back', 0, ${retired} from s, t, d`,
        [name, randomUUID()],
      );
    }
    const subject = { dependent: { organization: 'acme', name: 'host' } };
    const plan = await planCampaign(pool, { subject, leakedBefore: new Date() });
    expect(plan.map(({ name }) => name)).toEqual(['acme/newer', 'acme/older']);
  } finally {
    await close();
  }
});
