import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nextLookMs } from '../../domain/campaign.js';
import type { StartableRun } from '../../domain/run.js';
import { openAudit } from '../../infra/registry/audit.js';
import { openCampaigns, requestOf } from '../../infra/registry/campaign-advance.js';
import { beginCampaign, planCampaign } from '../../infra/registry/campaign-request.js';
import { campaignSecrets, nextOfCampaign } from '../../infra/registry/campaigns.js';
import { endQuarantine } from '../../infra/registry/quarantines.js';
import { releaseDependent, withholdDependent } from '../../infra/registry/withholdings.js';
import { submit } from '../../infra/registry/requests.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;
const audit = openAudit(Buffer.alloc(32));
beforeAll(async () => {
  database = await openDatabase();
  for (const [name, retired] of [
    ['older', 'now()'],
    ['newer', 'null'],
  ] as const) {
    await database.ownerPool.query(
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
});
afterAll(() => database.close());

test('what a system held is held against its name, also where it was retired and declared anew', async () => {
  const subject = { dependent: { organization: 'acme', name: 'host' } };
  const plan = await planCampaign(database.pool, { subject, leakedBefore: new Date() });
  expect(plan.map(({ name }) => name)).toEqual(['acme/newer', 'acme/older']);
});

describe('a quarantine', () => {
  const host = { organization: 'acme', name: 'host' };
  const leakedBefore = new Date();
  const begin = (quarantine: boolean, reason: string) =>
    beginCampaign(
      { pool: database.pool, audit },
      {
        ...{ kind: 'incident', subject: { dependent: host }, quarantine, atOnce: 1, reason },
        ...{ by: 'ann', person: undefined, idempotencyKey: reason, leakedBefore },
      },
    );
  const end = (campaignId: string) =>
    endQuarantine({ pool: database.pool, audit }, { campaignId, by: 'bob', reason: 'clean' });
  const findings = async () =>
    (await database.pool.query(`select 1 from rotor.findings where closed_at is null`)).rowCount;

  test('ends with its own incident, and what others withhold holds on', async () => {
    const [first, second] = [await begin(true, 'one'), await begin(true, 'two')];
    expect(await begin(true, 'two')).toBe(second);
    const parts = { pool: database.pool, audit };
    const call = { organization: 'acme', dependent: 'host', by: 'eve', reason: 'mine' };
    await withholdDependent(parts, { ...call, secret: 'newer' });
    const others = { by: 'ann', reason: 'two', secret: null, incident: second };
    const hers = { by: 'eve', reason: 'mine', secret: 'newer', incident: null };
    expect(await end(first)).toMatchObject({ dependent: 'acme/host', still: [others, hers] });
    await expect(end(first)).rejects.toMatchObject({ code: 'not-withheld' });
    expect(await findings()).toBe(1);
    expect(await end(second)).toMatchObject({ still: [hers] });
    expect(await findings()).toBe(1);
    expect(await releaseDependent(parts, { ...call, secret: undefined })).toMatchObject({
      still: [],
    });
    expect(await findings()).toBe(0);
  });

  test('of an incident that quarantined nobody has no end', async () => {
    const nobody = await begin(false, 'three');
    await expect(end(nobody)).rejects.toMatchObject({ code: 'nobody-quarantined' });
  });
});

describe('an incident', () => {
  const started: StartableRun[] = [];
  let campaignId: string;
  const advance = (widens = false) => {
    const { pool } = database;
    const start = (run: StartableRun) => Promise.resolve(started.push(run));
    return openCampaigns({ pool, audit, identity: 'test', start }).advance(campaignId, { widens });
  };
  const begin = async () => {
    const subject = { secrets: [{ organization: 'acme', name: 'newer' }] };
    const call = { kind: 'incident', subject, quarantine: false, atOnce: 1, reason: 'x' } as const;
    const who = { by: 'ann', person: undefined, idempotencyKey: randomUUID() };
    const parts = { pool: database.pool, audit };
    campaignId = await beginCampaign(parts, { ...call, ...who, leakedBefore: new Date() });
  };
  const shown = async () => (await campaignSecrets(database.pool, campaignId))[0];
  const versionsAsked = async () => {
    const { rows } = await database.pool.query<{ ids: string[] }>(
      `select options->'versionIds' as ids from rotor.runs order by requested_at desc limit 1`,
    );
    return rows[0]?.ids.length;
  };
  /** Its version lives: somebody has to mend why. */
  const endRun = () =>
    database.ownerPool.query(
      `update rotor.runs set state = 'ended', outcome = 'succeeded', ended_at = clock_timestamp()
       where state <> 'ended'`,
    );
  const letPass = (seconds: number) =>
    database.ownerPool.query(
      `with r as (update rotor.runs set ended_at = ended_at - make_interval(secs => $1))
       update rotor.campaign_secrets set asked_at = asked_at - make_interval(secs => $1)`,
      [seconds],
    );

  test('that lost an answer contains what came into scope since, too', async () => {
    await begin();
    const [one] = await nextOfCampaign(database.pool, campaignId, true);
    if (one === undefined) throw new Error('nothing to ask for');
    await submit({ pool: database.pool, audit }, requestOf(campaignId, one), 'dead');
    await database.ownerPool.query(
      `insert into rotor.versions (id, secret_id, ordinal, state, origin, value, credential_id)
       values (gen_random_uuid(), $1, 2, 'active', 'adopted', 'unknown', 'late')`,
      [one.secretId],
    );
    expect(await advance(true)).toMatchObject({ waiting: 0, containing: 1, atWork: 1 });
    expect(await shown()).toMatchObject({ failure: null, versions: ['v1', 'v2'] });
    expect(await versionsAsked()).toBe(2);
    expect(started).toHaveLength(1);
  });

  test('asks again for what a run has left alive, ever less often, and says so', async () => {
    await endRun();
    await advance();
    expect(started).toHaveLength(1);
    expect(await shown()).toMatchObject({ failure: 'its run has ended, and it lives' });
    await letPass(6);
    await advance();
    expect(started).toHaveLength(2);
    await endRun();
    await letPass(6);
    await advance();
    expect([started.length, (await shown())?.['leftAlive']]).toEqual([2, 1]);
    await letPass(6);
    await advance();
    expect(started).toHaveLength(3);
  });

  test('that nothing moves in locks nothing', async () => {
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query('select from rotor.campaigns where id = $1 for update', [campaignId]);
    expect(await advance(true)).toMatchObject({ containing: 1 });
    await other.query('rollback');
    other.release();
  });

  test('is over where all that is left is a mint that only a person can find', async () => {
    await endRun();
    await database.ownerPool.query(
      `with n as (select id from rotor.secrets where name = 'newer'),
         e as (update rotor.versions v set state = 'ended', ended_cause = 'removed-elsewhere'
           from n where v.secret_id = n.id)
       insert into rotor.versions (id, secret_id, ordinal, state, origin, value, created_at)
       select gen_random_uuid(), n.id, 3, 'pending', 'minted', 'unknown', '2000-01-01' from n`,
    );
    expect(await advance(true)).toMatchObject({ waiting: 0, containing: 0 });
    const mint = `insert into rotor.effects (id, run_id, kind, version_id, deadline)
      select gen_random_uuid(), r.id, 'mint', v.id, now() from rotor.runs r, rotor.versions v
      where v.state = 'pending' limit 1`;
    await database.ownerPool.query(mint);
    expect((await shown())?.['lives']).toBe(true);
  });

  test('is looked at ever less often as long as nothing moves in it', () => {
    const calm = { waiting: 0, containing: 3, replacing: 0, ended: 1, atWork: 0 };
    const after = (waitMs: number, now = calm) => nextLookMs({ ...calm, waitMs }, now);
    expect(nextLookMs(undefined, calm)).toBe(300);
    expect([after(300), after(15_000), after(20_000)]).toEqual([600, 20_000, 20_000]);
    expect(after(20_000, { ...calm, ended: 2 })).toBe(300);
    expect(after(20_000, { ...calm, atWork: 1 })).toBe(300);
  });
});
