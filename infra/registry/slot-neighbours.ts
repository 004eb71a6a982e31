/** What a slot has to wait for: those that must not rotate together with its secret, and a run that has rotated it already. */
import type { Obstacle } from '../../domain/slot-decision.js';
import { shortId } from '../../domain/told-id.js';
import type { Queryable } from '../postgres.js';
import type { WithSchedule } from './schedules.js';

interface Neighbours {
  readonly organization_id: string;
  readonly issuer: string;
  readonly limits: boolean;
}

/** Either names the other. */
const pairs = `
  select n.id, n.name from rotor.secrets s join rotor.secrets n
    on n.organization_id = s.organization_id and n.retired_at is null
   and (n.name = any(s.not_with) or s.name = any(n.not_with)) and n.id <> s.id
  where s.id = $1`;

/**
 * The secret, and whoever is not to rotate with it, in the order of locks that everybody keeps: two that
 * ask at the same moment see each other. Where there is a limit, one after the other asks.
 */
export async function lockNeighbours(db: Queryable, secretId: string): Promise<void> {
  const { rows } = await db.query<Neighbours>(
    `select s.organization_id, s.issuer,
       coalesce(s.schedule, p.policy->'schedule')->'atMostAtOnce' <> '{}' as limits
     from rotor.secrets s left join rotor.policies p on p.id = s.policy_id where s.id = $1`,
    [secretId],
  );
  const found = rows[0];
  if (found?.limits === true) {
    await db.query(
      `select pg_advisory_xact_lock(hashtext('rotor.rotations ' || name)) from unnest($1::text[]) name
       order by name`,
      [[found.organization_id, found.issuer]],
    );
  }
  await db.query(
    `select 1 from rotor.secrets where id = $1 or id in (select id from (${pairs}) n)
     order by id for update`,
    [secretId],
  );
}

interface Counts {
  readonly run: { readonly id: string; readonly sinceMs: number } | null;
  readonly pair: string | null;
  readonly in_organization: number;
  readonly at_issuer: number;
}

/**
 * A run of the secret itself that has confirmed its version a while ago: whoever joins it gets no other one. The first
 * calendar slot that meets it joins it all the same: it has been rotated since the slot before. Intervals and expiries
 * count from what was confirmed, so that a slot of theirs that comes is due.
 */
const ownRun = `
  select json_build_object('id', r.id, 'sinceMs', extract(epoch from clock_timestamp() - v.confirmed_at) * 1000)
  from rotor.runs r join rotor.versions v on v.id = (r.plan->>'towards')::uuid
  where r.secret_id = $1 and r.state in ('requested', 'running') and r.kind in ('rotate', 'compromise')
    and r.plan->>'direction' is distinct from 'back' and v.confirmed_at >= r.requested_at
    and v.confirmed_at < clock_timestamp() - make_interval(secs => $2)
    and ($3 <> 'calendar' or exists (select from rotor.schedule_slots l where l.run_id = r.id))`;

/** Undefined where nothing is in the way. A run that goes on for long is asked about ever more rarely. */
export async function obstacleTo(
  db: Queryable,
  secret: WithSchedule,
): Promise<Obstacle | undefined> {
  const { postponeByMs: againMs } = secret.schedule;
  const { run, ...others } = await countsOf(db, secret);
  if (run !== null) {
    const reason = `run ${shortId(run.id)} has rotated it already, and has not ended`;
    return { reason, againMs: Math.max(againMs, run.sinceMs / 10) };
  }
  const reason = othersThatRotate(others, secret);
  return reason === undefined ? undefined : { reason, againMs };
}

async function countsOf(
  db: Queryable,
  { secretId, schedule: { postponeByMs, rule } }: WithSchedule,
): Promise<Counts> {
  const { rows } = await db.query<Counts>(
    `with rotating as (
       select r.secret_id, s.organization_id, s.issuer
       from rotor.runs r join rotor.secrets s on s.id = r.secret_id
       where r.state in ('requested', 'running') and r.kind = 'rotate' and r.secret_id <> $1)
     select (${ownRun}) as run, (select min(n.name) from (${pairs}) n join rotating r on r.secret_id = n.id) as pair,
       (select count(*)::int from rotating r where r.organization_id = s.organization_id) as in_organization,
       (select count(*)::int from rotating r where r.issuer = s.issuer) as at_issuer
     from rotor.secrets s where s.id = $1`,
    [secretId, postponeByMs / 1_000, rule.kind],
  );
  return rows[0] ?? nobody;
}

function othersThatRotate(
  { pair, in_organization: inOrganization, at_issuer: atIssuer }: Omit<Counts, 'run'>,
  { organization, issuer, schedule: { atMostAtOnce } }: WithSchedule,
): string | undefined {
  if (pair !== null) return `${pair} rotates, and they are not to rotate together`;
  if (reached(inOrganization, atMostAtOnce.organization))
    return asManyAsMay(inOrganization, organization);
  if (reached(atIssuer, atMostAtOnce.issuer)) return asManyAsMay(atIssuer, `issuer ${issuer}`);
  return undefined;
}

function asManyAsMay(count: number, whose: string): string {
  const rotate =
    count === 1 ? `1 secret of ${whose} rotates` : `${count} secrets of ${whose} rotate`;
  return `${rotate}: that is as many as may at once`;
}

const nobody: Counts = { run: null, pair: null, in_organization: 0, at_issuer: 0 };

function reached(count: number, most: number | undefined): boolean {
  return most !== undefined && count >= most;
}
