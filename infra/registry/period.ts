/** What was asked for within a time: runs, what they waited for, and who answered for what. */
import type { Queryable } from '../postgres.js';
import type { Row } from './views.js';

export interface Period {
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
  readonly organization: string | undefined;
}

export interface PeriodRows {
  readonly runs: readonly Row[];
  /** Per code: how many runs it kept from going on, how often, and for how long together. */
  readonly waits: readonly Row[];
  readonly grants: readonly Row[];
  readonly accepted: readonly Row[];
}

const inPeriod = `rotor.runs r join rotor.secrets s on s.id = r.secret_id
  join rotor.organizations o on o.id = s.organization_id`;
const within = `r.requested_at >= $1 and r.requested_at < $2 and ($3::text is null or o.name = $3)`;

const statements = {
  runs: `select r.id as run, o.name || '/' || s.name as secret, r.kind,
      coalesce(r.outcome, 'open') as outcome, r.requested_by as by, r.reason,
      r.requested_at as requested, r.ended_at as ended,
      (extract(epoch from r.ended_at - r.requested_at) * 1000)::float8 as ms,
      (select string_agg(distinct w.code, ' ') from rotor.waits w where w.run_id = r.id) as waited
    from ${inPeriod} where ${within} order by r.requested_at, r.id`,
  waits: `select w.code, count(distinct w.run_id)::int as runs, count(*)::int as times,
      (sum(extract(epoch from coalesce(w.until, r.ended_at, clock_timestamp()) - w.since)) * 1000)::float8 as ms,
      (max(extract(epoch from coalesce(w.until, r.ended_at, clock_timestamp()) - w.since)) * 1000)::float8 as "longestMs"
    from rotor.waits w join ${inPeriod} on r.id = w.run_id
    where ${within} group by w.code order by ms desc`,
  grants: `select g.basis, count(*)::int as grants, count(g.called_at)::int as called
    from rotor.grants g join ${inPeriod} on r.id = g.run_id
    where ${within} group by g.basis order by 2 desc, 1`,
  accepted: `select what, who, count(*)::int as times from (
      select 'decided: ' || d.kind as what, d.decided_by as who
      from rotor.decisions d join ${inPeriod} on r.id = d.run_id where ${within}
      union all
      select 'approved', a.person from rotor.approvals a join ${inPeriod} on r.id = a.run_id where ${within}
      union all
      select 'accepted with the request: outage', r.options->'acceptedOutage'->>'by'
      from ${inPeriod} where ${within} and r.options->'acceptedOutage' is not null
      union all
      select 'accepted with the request: unseen use', r.options->'acceptedUnseenUse'->>'by'
      from ${inPeriod} where ${within} and r.options->'acceptedUnseenUse' is not null) said
    group by what, who order by what, times desc, who`,
} as const;

export async function readPeriod(
  db: Queryable,
  { from, to, organization }: Period,
): Promise<PeriodRows> {
  const ask = async (kind: keyof typeof statements): Promise<Row[]> =>
    (await db.query<Row>(statements[kind], [from, to, organization ?? null])).rows;
  const [runs, waits, grants, accepted] = await Promise.all([
    ask('runs'),
    ask('waits'),
    ask('grants'),
    ask('accepted'),
  ]);
  return { runs, waits, grants, accepted };
}
