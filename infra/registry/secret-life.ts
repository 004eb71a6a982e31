/** The whole life of one secret, also of one that is retired: all that the tables still know of it. */
import type { SecretName } from '../../domain/registry.js';
import type { Queryable } from '../postgres.js';
import type { Row } from './views.js';

export interface SecretLife {
  readonly secret: Row;
  readonly runs: readonly Row[];
  readonly grants: readonly Row[];
  readonly decisions: readonly Row[];
  readonly approvals: readonly Row[];
  readonly reviews: readonly Row[];
  readonly dependents: readonly Row[];
  readonly findings: readonly Row[];
}

/** The one that lives, or else the one that was retired last. */
export async function findSecret(
  db: Queryable,
  { organization, secret }: SecretName,
): Promise<Row | undefined> {
  const { rows } = await db.query<Row>(
    `select s.id, o.name || '/' || s.name as secret, s.owner, s.issuer, s.documentation,
       coalesce(p.name, 'standard') as policy, s.created_at as declared, s.retired_at as retired,
       (select count(*)::int from rotor.secrets e where e.organization_id = s.organization_id
          and e.name = s.name and e.id <> s.id) as namesakes
     from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
     left join rotor.policies p on p.id = s.policy_id
     where o.name = $1 and s.name = $2 order by s.retired_at desc nulls first limit 1`,
    [organization, secret],
  );
  return rows[0];
}

const ofSecret = {
  runs: `select r.id as run, r.kind, coalesce(r.outcome, r.state) as outcome,
      r.requested_by as by, r.reason, r.requested_at as requested, r.ended_at as ended
    from rotor.runs r where r.secret_id = $1 order by r.requested_at`,
  grants: `select 'v' || v.ordinal as version, g.run_id as run, g.basis, g.because,
      g.granted_at as granted, g.called_at as called
    from rotor.grants g join rotor.versions v on v.id = g.version_id
    where v.secret_id = $1 order by g.granted_at`,
  decisions: `select d.run_id as run, d.kind, t.name as dependent, d.accepted, d.decided_by as by,
      d.reason, d.decided_at as at
    from rotor.decisions d join rotor.runs r on r.id = d.run_id
    left join rotor.dependencies y on y.id = d.dependency_id
    left join rotor.dependents t on t.id = y.dependent_id
    where r.secret_id = $1 order by d.decided_at`,
  approvals: `select a.run_id as run, a.person, a.reason, a.approved_at as at, left(a.plan_hash, 12) as plan
    from rotor.approvals a join rotor.runs r on r.id = a.run_id
    where r.secret_id = $1 order by a.approved_at`,
  reviews: `select a.run_id as run, a.at, a.event->>'person' as person, a.event->>'reason' as reason
    from rotor.audit a join rotor.runs r on r.id = a.run_id
    where a.chain_id = $1 and r.secret_id = $1 and a.event->>'change' = 'reviewed' order by a.seq`,
  dependents: `select t.name as dependent, t.owner, e.connector, e.identity as destination,
      d.declared_at as declared, d.retired_at as retired
    from rotor.dependencies d join rotor.dependents t on t.id = d.dependent_id
    join rotor.destinations e on e.id = d.destination_id
    where d.secret_id = $1 order by d.declared_at, t.name`,
  findings: `select f.code, f.severity, f.message, f.first_at as first, f.last_at as last,
      f.count::int as count, f.closed_at as closed, f.muted_by as "mutedBy", f.muted_reason as muted
    from rotor.findings f where f.secret_id = $1 order by f.first_at`,
} as const;

export async function secretLife(db: Queryable, secret: Row): Promise<SecretLife> {
  const ask = async (kind: keyof typeof ofSecret): Promise<Row[]> =>
    (await db.query<Row>(ofSecret[kind], [secret['id']])).rows;
  const [runs, grants, decisions, approvals, reviews, dependents, findings] = await Promise.all([
    ask('runs'),
    ask('grants'),
    ask('decisions'),
    ask('approvals'),
    ask('reviews'),
    ask('dependents'),
    ask('findings'),
  ]);
  return { secret, runs, grants, decisions, approvals, reviews, dependents, findings };
}
