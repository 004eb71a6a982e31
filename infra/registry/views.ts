/** What people ask to see: secrets, runs, users, findings. Reads only, and never a value. */
import type { VersionFacts } from '../../domain/facts.js';
import type { Labels } from '../../domain/labels.js';
import type { SecretName } from '../../domain/registry.js';
import type { Queryable } from '../postgres.js';
import { findByShortId } from './short-id.js';

export type Row = Readonly<Record<string, unknown>>;

/** `organization` undefined: all of them. */
export async function listSecrets(
  db: Queryable,
  organization: string | undefined,
  labels: Labels = {},
): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select o.name || '/' || s.name as secret, s.owner, s.issuer, s.labels, coalesce(p.name, 'standard') as policy,
       (select 'v' || v.ordinal from rotor.versions v where v.secret_id = s.id and v.is_current) as current,
       (select v.expires_at from rotor.versions v where v.secret_id = s.id and v.is_current) as expires,
       (select count(*)::int from rotor.dependencies d
          where d.secret_id = s.id and d.retired_at is null) as dependents,
       (select r.kind from rotor.runs r where r.secret_id = s.id and r.state in ('requested', 'running')) as run,
       (select count(*)::int from rotor.findings f where f.secret_id = s.id and f.closed_at is null
          and not rotor.is_muted(f)) as findings
     from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
     left join rotor.policies p on p.id = s.policy_id
     where s.retired_at is null and ($1::text is null or o.name = $1) and s.labels @> $2 order by 1`,
    [organization ?? null, labels],
  );
  return rows;
}

/** Decommissioned: their names may have been declared again since. */
export async function listRetired(
  db: Queryable,
  organization: string | undefined,
  labels: Labels = {},
): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select o.name || '/' || s.name as secret, s.owner, s.issuer, s.created_at as declared,
       s.retired_at as retired,
       (select count(*)::int from rotor.versions v where v.secret_id = s.id) as versions
     from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
     where s.retired_at is not null and ($1::text is null or o.name = $1) and s.labels @> $2
     order by s.retired_at desc`,
    [organization ?? null, labels],
  );
  return rows;
}

export async function secretVersions(db: Queryable, secretId: string): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select v.id, 'v' || v.ordinal as version, v.state, v.is_current as current, v.origin, v.value,
       v.credential_id as credential, v.created_at as created, v.activated_at as activated,
       v.expires_at as expires, v.disabled_at as disabled, v.revoked_at as revoked, v.outlived,
       v.ended_cause as cause, v.monitor_until as "monitoredUntil", v.run_id as run
     from rotor.versions v where v.secret_id = $1 order by v.ordinal`,
    [secretId],
  );
  return rows;
}

export type NumberedVersion = Pick<VersionFacts, 'versionId' | 'ordinal' | 'state'>;

/** All that there ever were, as people name them. */
export async function numberedVersions(
  db: Queryable,
  secretId: string,
): Promise<NumberedVersion[]> {
  const { rows } = await db.query<NumberedVersion>(
    'select id as "versionId", ordinal, state from rotor.versions where secret_id = $1',
    [secretId],
  );
  return rows;
}

export async function secretDependencies(db: Queryable, secretId: string): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select d.id, t.name as dependent, d.owner, e.connector, e.identity as destination, d.wave,
       d.least_evidence as "leastEvidence", d.seen_as as "seenAs", d.documentation,
       (select jsonb_agg(jsonb_build_object('version', 'v' || v.ordinal, 'evidence', y.evidence,
            'delivered', y.delivered_at, 'moved', y.moved_at, 'failure', y.failure) order by v.ordinal)
        from rotor.deliveries y join rotor.versions v on v.id = y.version_id
        where y.dependency_id = d.id) as deliveries
     from rotor.dependencies d join rotor.dependents t on t.id = d.dependent_id
     join rotor.destinations e on e.id = d.destination_id
     where d.secret_id = $1 and d.retired_at is null order by t.name`,
    [secretId],
  );
  return rows;
}

export async function secretUse(db: Queryable, secretId: string): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select 'v' || v.ordinal as version, u.source, u.outcome, min(u.first_at) as first,
       max(u.last_at) as last, sum(u.count)::int as count
     from rotor.use u join rotor.versions v on v.id = u.version_id
     where v.secret_id = $1 group by v.ordinal, u.source_key, u.source, u.outcome
     order by v.ordinal, max(u.last_at) desc`,
    [secretId],
  );
  return rows;
}

export async function secretFindings(db: Queryable, secretId: string): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select f.code, f.message, 'v' || v.ordinal as version, f.source, f.first_at as first,
       f.last_at as last, f.count::int as count, f.severity, f.evidence,
       case when rotor.is_muted(f) then f.muted_until end as muted
     from rotor.findings f left join rotor.versions v on v.id = f.version_id
     where f.secret_id = $1 and f.closed_at is null order by f.first_at`,
    [secretId],
  );
  return rows;
}

const runColumns = `
  r.id as run, r.secret_id as "secretId", o.name as organization, o.name || '/' || s.name as secret,
  r.kind, r.state, r.outcome, r.requested_by as "requestedBy", r.reason, r.options,
  r.requested_at as requested, r.started_at as started, r.ended_at as ended, r.plan,
  r.plan_revision as revision, r.plan_hash as hash, r.waits_code as "waitsCode",
  r.waits_told as "waitsTold", r.waits_until as "waitsUntil", r.waits_held as "waitsHeld", r.supersedes,
  (select n.id from rotor.runs n where n.secret_id = r.secret_id and n.supersedes = r.id
   order by n.requested_at limit 1) as "supersededBy"
  from rotor.runs r join rotor.secrets s on s.id = r.secret_id
  join rotor.organizations o on o.id = s.organization_id`;

export interface RunsAsked {
  /** Undefined: of all of them. */
  readonly organization: string | undefined;
  readonly secret?: SecretName | undefined;
  /** Of the open ones `blocked` are those that wait for a person; undefined: all of them, and those that have ended. */
  readonly state?: 'open' | 'blocked' | 'ended' | undefined;
}

const runsAsked = `($1::text is null or o.name = $1) and ($2::text is null or (o.name, s.name) = ($2, $3::text))`;

/** Every open one, then those that have ended: the newest 200 of them. */
const runsQuery = `
select * from (
  (select ${runColumns} where r.state <> 'ended' and coalesce($4, 'open') <> 'ended' and ${runsAsked}
    and ($4::text is distinct from 'blocked' or (r.waits_code is not null and (r.waits_until is null or r.waits_held))))
  union all
  (select ${runColumns} where r.state = 'ended' and coalesce($4, 'ended') = 'ended' and ${runsAsked}
    order by r.requested_at desc limit 200)) runs
order by runs.state = 'ended', runs.requested desc`;

export async function listRuns(
  db: Queryable,
  { organization, secret, state }: RunsAsked,
): Promise<Row[]> {
  const { rows } = await db.query<Row>(runsQuery, [
    organization ?? null,
    secret?.organization ?? null,
    secret?.secret ?? null,
    state ?? null,
  ]);
  return rows;
}

/** A run by its id, or by the first eight characters of it where they are enough. */
export async function findRun(db: Queryable, run: string): Promise<Row | undefined> {
  return findByShortId(db, `select ${runColumns} where r.id between $1 and $2`, [run]);
}

export interface RunParts {
  readonly decisions: readonly Row[];
  readonly grants: readonly Row[];
  readonly approvals: readonly Row[];
  readonly plans: readonly Row[];
  readonly events: readonly Row[];
}

export async function runParts(db: Queryable, runId: string): Promise<RunParts> {
  const [decisions, grants, approvals, plans, events] = await Promise.all([
    db.query<Row>(
      `select d.kind, t.name as dependent, d.accepted, d.decided_by as by, d.reason,
         d.decided_at as at, d.read
       from rotor.decisions d left join rotor.dependencies y on y.id = d.dependency_id
       left join rotor.dependents t on t.id = y.dependent_id
       where d.run_id = $1 order by d.decided_at`,
      [runId],
    ),
    db.query<Row>(
      `select 'v' || v.ordinal as version, g.basis, g.because, g.granted_at as granted,
         g.called_at as called from rotor.grants g join rotor.versions v on v.id = g.version_id
       where g.run_id = $1 order by g.granted_at`,
      [runId],
    ),
    db.query<Row>(
      `select plan_hash as plan, approved_by as by, person, reason, approved_at as at,
         expires_at as expires, used_for as used from rotor.approvals where run_id = $1
       order by approved_at`,
      [runId],
    ),
    db.query<Row>(
      'select revision, hash, plan, stored_at as stored from rotor.plans where run_id = $1 order by revision',
      [runId],
    ),
    db.query<Row>('select at, actor, event from rotor.audit where run_id = $1 order by seq', [
      runId,
    ]),
  ]);
  return {
    decisions: decisions.rows,
    grants: grants.rows,
    approvals: approvals.rows,
    plans: plans.rows,
    events: events.rows,
  };
}
