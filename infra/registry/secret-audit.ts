/** The regular audit of active secrets: one row each, page by page. */
import type { Queryable } from '../postgres.js';
import type { Row } from './views.js';

export const auditPage = 1_000;

export interface AuditAsked {
  readonly organization: string | undefined;
  /** `organization/secret`, the last of the page before. */
  readonly after?: string | undefined;
}

/** Use is accepted use of versions that live; what a version has is asked of the current one. */
const statement = `with page as (
       select s.id, o.name as organization, s.name as secret, s.owner, s.issuer, s.created_at
       from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
       where s.retired_at is null and ($1::text is null or o.name = $1)
         and ($2::text is null or (o.name, s.name) > ($2, $3::text))
       order by o.name, s.name limit ${auditPage})
     select p.organization, p.secret, p.owner, p.issuer, 'v' || v.ordinal as version,
       coalesce(v.activated_at, v.created_at) as since, v.expires_at as expires,
       (select max(r.ended_at) from rotor.runs r where r.secret_id = p.id and r.outcome = 'succeeded'
          and r.kind in ('rotate', 'compromise')) as "lastRotation",
       u.last as "lastUse", coalesce(u.sources, 0)::int as sources,
       coalesce(d.moved, 0)::int as moved, coalesce(d.dependents, 0)::int as dependents,
       c.kind as record, c.complete_through as "recordUntil",
       coalesce(f.critical, 0)::int as critical, coalesce(f.warning, 0)::int as warning,
       coalesce(f.info, 0)::int as info
     from page p
     left join rotor.versions v on v.secret_id = p.id and v.is_current
     left join rotor.use_records c on c.secret_id = p.id
     left join lateral (
       select max(u.last_at) as last, count(distinct u.source_key) as sources
       from rotor.versions l join rotor.use u on u.version_id = l.id and u.outcome = 'accepted'
       where l.secret_id = p.id and l.state not in ('revoked', 'ended')) u on true
     left join lateral (
       select count(*) as dependents, count(y.moved_at) as moved
       from rotor.dependencies e left join rotor.deliveries y
         on y.dependency_id = e.id and y.version_id = v.id
       where e.secret_id = p.id and e.retired_at is null) d on true
     left join lateral (
       select count(*) filter (where f.severity = 'critical') as critical,
         count(*) filter (where f.severity = 'warning') as warning,
         count(*) filter (where f.severity = 'info') as info
       from rotor.findings f
       where f.secret_id = p.id and f.closed_at is null and not rotor.is_muted(f)) f on true
     order by p.organization, p.secret`;

export async function auditSecrets(
  db: Queryable,
  { organization, after }: AuditAsked,
): Promise<Row[]> {
  const [afterOrganization = null, afterSecret = null] = after?.split('/') ?? [];
  const { rows } = await db.query<Row>(statement, [
    organization ?? null,
    afterOrganization,
    afterSecret,
  ]);
  return rows;
}
