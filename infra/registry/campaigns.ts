/** Campaigns in the registry: what is in scope, what was asked for, how far each secret is. */
import type pg from 'pg';
import {
  mostDangerousFirst,
  type CampaignKind,
  type CampaignProgress,
} from '../../domain/campaign.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { exposuresOf, type CampaignSubject } from './exposure.js';
import { noteInstallation, type TrailParts } from './installation-trail.js';
import { findByShortId } from './short-id.js';
import type { Row } from './views.js';

export interface ToAsk {
  readonly kind: CampaignKind;
  readonly secretId: string;
  readonly organization: string;
  readonly secret: string;
  readonly versionIds: readonly string[];
  /** The run that was asked for already, and ended with something that lives. */
  readonly before: string | null;
  readonly by: string;
  readonly person: string | undefined;
  readonly reason: string;
}

/** A run that was taken over by another one goes on as that one. */
const counted = `
  select c.*, case g.kind
      when 'incident' then exists (select from rotor.versions v where v.id = any(c.version_ids)
        and v.state not in ('revoked', 'ended')
        -- What a mint of long ago may have made was left to a person to find: no run can end it.
        and (v.state <> 'pending' or exists (select from rotor.effects f
          where f.version_id = v.id and f.kind = 'mint' and not f.finished)))
      -- What somebody has brought back stays.
      else exists (select from rotor.secrets s where s.id = c.secret_id and s.retired_at is null)
        and not exists (select from rotor.runs r where r.id = c.run_id and r.outcome = 'rolled-back')
      end as lives,
    -- What is asked for once it is over is not a part of it.
    g.ended_at is null and exists (select from rotor.runs r
      where r.secret_id = c.secret_id and r.state <> 'ended') as busy
  from rotor.campaign_secrets c join rotor.campaigns g on g.id = c.campaign_id where c.campaign_id = $1`;

interface CampaignRow {
  readonly subject: CampaignSubject;
  readonly leaked_before: Date | null;
  readonly at_once: number;
}

/** As many as may be at work are named; what came into scope since joins first, if it is looked for. One caller at a time. */
export async function nextOfCampaign(
  pool: pg.Pool,
  campaignId: string,
  widens: boolean,
): Promise<ToAsk[]> {
  // An open campaign may wait for people for months: most looks find nothing, and lock nothing.
  if (!(await hasNews(pool, campaignId, widens))) return [];
  return inTransaction(pool, async (db) => {
    const campaign = await openCampaign(db, campaignId, 'for update');
    if (campaign === undefined) return [];
    if (widens) await widen(db, campaignId, campaign);
    const atWork = await countAtWork(db, campaignId);
    return toAsk(db, campaignId, Math.max(0, campaign.at_once - atWork));
  });
}

async function openCampaign(
  db: Queryable,
  campaignId: string,
  lock: 'for update' | '' = '',
): Promise<CampaignRow | undefined> {
  const { rows } = await db.query<CampaignRow>(
    `select subject, leaked_before, at_once from rotor.campaigns
     where id = $1 and ended_at is null ${lock}`,
    [campaignId],
  );
  return rows[0];
}

async function hasNews(db: Queryable, campaignId: string, widens: boolean): Promise<boolean> {
  const campaign = await openCampaign(db, campaignId);
  if (campaign === undefined) return false;
  if (widens && (await isWider(db, campaignId, campaign))) return true;
  return (await toAsk(db, campaignId, 1)).length > 0;
}

/** Whether something is in scope that was not when it was last looked through. */
async function isWider(
  db: Queryable,
  campaignId: string,
  { subject, leaked_before: leakedBefore }: CampaignRow,
): Promise<boolean> {
  const found = await exposuresOf(db, subject, leakedBefore ?? undefined);
  const { rows } = await db.query<{ id: string; versions: string[] }>(
    'select secret_id as id, version_ids as versions from rotor.campaign_secrets where campaign_id = $1',
    [campaignId],
  );
  const known = new Map(rows.map(({ id, versions }) => [id, new Set(versions)]));
  return found.some(({ secretId, versionIds }) => {
    const versions = known.get(secretId);
    return versions === undefined || versionIds.some((id) => !versions.has(id));
  });
}

/** A run that waits for people, for its turn, or for an issuer that is away, holds nobody else up. */
const atWork = `(select count(*)::int from c join rotor.runs r
    on r.secret_id = c.secret_id and r.state in ('requested', 'running') and r.waits_code is null
  where c.run_id is not null and c.lives)`;

async function countAtWork(db: Queryable, campaignId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `with c as (${counted}) select ${atWork} as count`,
    [campaignId],
  );
  return rows[0]?.count ?? 0;
}

async function widen(
  db: Queryable,
  campaignId: string,
  { subject, leaked_before: leakedBefore }: CampaignRow,
): Promise<void> {
  const found = mostDangerousFirst(await exposuresOf(db, subject, leakedBefore ?? undefined));
  await db.query(
    `insert into rotor.campaign_secrets (campaign_id, secret_id, version_ids, position)
     select $1, (e->>'secretId')::uuid, array(select jsonb_array_elements_text(e->'versionIds')::uuid), n
     from jsonb_array_elements($2) with ordinality as t (e, n)
     -- The foreign keys lock secrets: by id, as everybody does.
     order by 2
     on conflict (campaign_id, secret_id) do update set left_alive = 0, version_ids =
       array(select distinct unnest(rotor.campaign_secrets.version_ids || excluded.version_ids))
     where not rotor.campaign_secrets.version_ids @> excluded.version_ids`,
    [campaignId, JSON.stringify(found)],
  );
}

/** What a run has left alive is asked for again, ever less often: somebody may have to mend why. */
const backoff = `interval '5 seconds' * 2 ^ least(c.left_alive, 9)`;

async function toAsk(db: Queryable, campaignId: string, limit: number): Promise<ToAsk[]> {
  const { rows } = await db.query<Omit<ToAsk, 'person'> & { person: string | null }>(
    `select c.secret_id as "secretId", o.name as organization, s.name as secret,
       c.version_ids as "versionIds", c.run_id as before, g.kind, g.started_by as by, g.started_person as person, g.reason
     from (${counted}) c join rotor.campaigns g on g.id = c.campaign_id
     join rotor.secrets s on s.id = c.secret_id join rotor.organizations o on o.id = s.organization_id
     left join rotor.runs b on b.id = c.run_id
     where c.campaign_id = $1 and c.lives and (c.run_id is null or not c.busy)
       and coalesce(greatest(c.asked_at, b.ended_at) < clock_timestamp() - ${backoff}, true)
     order by c.position, c.secret_id limit $2`,
    [campaignId, limit],
  );
  return rows.map(({ person, ...row }) => ({ ...row, person: person ?? undefined }));
}

export async function noteAsked(
  db: Queryable,
  campaignId: string,
  { secretId, ...asked }: { secretId: string; runId?: string; failure?: string },
): Promise<void> {
  await db.query(
    `update rotor.campaign_secrets set run_id = coalesce($3, run_id), failure = $4, asked_at = clock_timestamp(),
       left_alive = left_alive + (run_id <> $3 is true)::int
     where campaign_id = $1 and secret_id = $2`,
    [campaignId, secretId, asked.runId ?? null, asked.failure ?? null],
  );
}

export async function progressOf(db: Queryable, campaignId: string): Promise<CampaignProgress> {
  const { rows } = await db.query<CampaignProgress>(
    `with c as (${counted})
     select count(*) filter (where run_id is null and lives)::int as waiting,
       count(*) filter (where run_id is not null and lives)::int as containing,
       count(*) filter (where not lives and busy)::int as replacing,
       count(*) filter (where not lives and not busy)::int as ended, ${atWork} as "atWork"
     from c`,
    [campaignId],
  );
  return rows[0] ?? { waiting: 0, containing: 0, replacing: 0, ended: 0, atWork: 0 };
}

export async function endCampaign(parts: TrailParts, campaignId: string): Promise<void> {
  await inTransaction(parts.pool, async (db) => {
    const { rows } = await db.query<{ kind: CampaignKind }>(
      `update rotor.campaigns set ended_at = clock_timestamp()
       where id = $1 and ended_at is null returning kind`,
      [campaignId],
    );
    const [ended] = rows;
    if (ended === undefined) return;
    const event = { change: `${ended.kind}-ended`, id: campaignId };
    await noteInstallation(parts, db, { actor: 'rotor', event });
  });
}

/** For the keeper: their workflows should be there. */
export async function campaignsUnderWay(
  db: Queryable,
): Promise<{ readonly id: string; readonly about: string }[]> {
  const { rows } = await db.query<{ id: string; about: string }>(
    `select id, kind || ': ' || about as about from rotor.campaigns where ended_at is null`,
  );
  return rows;
}

const campaignColumns = `
  g.id, g.kind, g.about, o.name as organization, g.leaked_before as "leakedBefore", g.quarantine,
  g.at_once as "atOnce", g.started_by as by, g.reason, g.started_at as started, g.ended_at as ended
  from rotor.campaigns g left join rotor.organizations o on o.id = g.organization_id`;

/** `organization` undefined: all of them, those over several organizations too. */
export async function listCampaigns(
  db: Queryable,
  kind: CampaignKind,
  organization: string | undefined,
): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select ${campaignColumns} where g.kind = $2 and ($1::text is null or o.name = $1)
     order by g.started_at desc limit 200`,
    [organization ?? null, kind],
  );
  return rows;
}

/** By its id, or by the first eight characters of it where they are enough. */
export async function findCampaign(
  db: Queryable,
  kind: CampaignKind,
  id: string,
): Promise<Row | undefined> {
  const named = `select ${campaignColumns} where g.id between $1 and $2 and g.kind = $3`;
  return findByShortId(db, named, [id, kind]);
}

export async function campaignSecrets(db: Queryable, campaignId: string): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select o.name || '/' || s.name as secret, c.lives, c.busy, r.id as run, c.position,
       coalesce(c.failure, case when c.lives and not c.busy and r.state = 'ended'
         then 'its run has ended, and it lives' end) as failure, c.left_alive as "leftAlive",
       array(select 'v' || v.ordinal from rotor.versions v where v.id = any(c.version_ids)
             order by v.ordinal) as versions,
       (select max(v.revoked_at) from rotor.versions v where v.id = any(c.version_ids)) as contained,
       r.state, r.outcome, case when r.state <> 'ended' then r.waits_code end as "waitsCode",
       r.waits_told as "waitsTold",
       r.waits_until as "waitsUntil", r.waits_held as "waitsHeld", r.ended_at as ended
     from (${counted}) c join rotor.secrets s on s.id = c.secret_id
     join rotor.organizations o on o.id = s.organization_id
     left join rotor.runs r on r.id = coalesce(
       -- Whoever took over, or was there before, is waited for.
       (select n.id from rotor.runs n where c.busy and n.secret_id = c.secret_id and n.state <> 'ended'
        order by n.id <> c.run_id, n.state = 'queued' limit 1), c.run_id)
     order by c.position, 1`,
    [campaignId],
  );
  return rows;
}
