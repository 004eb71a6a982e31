/** The statements of the sweep: each reads one kind of fact, of all secrets of a batch. */
import type pg from 'pg';
import type { RecordFacts } from '../../domain/facts.js';
import type { Pages } from '../../domain/sweep/book.js';
import type {
  OpenFinding,
  SweptDependency,
  SweptSecret,
  SweptUse,
  SweptVersion,
} from '../../domain/sweep/facts.js';

type OfSecret<T> = T & { readonly secretId: string };

export interface Rows {
  readonly secrets: readonly Omit<
    SweptSecret,
    'versions' | 'dependencies' | 'retired' | 'uses' | 'record' | 'called' | 'open'
  >[];
  readonly versions: readonly OfSecret<SweptVersion>[];
  readonly dependencies: readonly OfSecret<SweptDependency & { readonly isRetired: boolean }>[];
  readonly uses: readonly OfSecret<SweptUse>[];
  readonly records: readonly { readonly secretId: string; readonly record: RecordFacts }[];
  readonly called: readonly { readonly secretId: string; readonly versionId: string }[];
  readonly open: readonly OfSecret<OpenFinding>[];
}

/** A schedule is the secret's own or its policy's. */
const secretsOf = `
select s.id as "secretId", o.name || '/' || s.name as name, s.owner, s.documentation, s.issuer,
  s.specification, s.created_at as "createdAt", clock_timestamp() as now,
  coalesce(nullif(to_jsonb(s)->'schedule', 'null'), nullif(p.policy->'schedule', 'null')) is not null as scheduled,
  coalesce((p.policy->>'quietPeriodMs')::float8, 0) as "quietPeriodMs",
  exists (select from rotor.runs r where r.secret_id = s.id and r.state <> 'ended') as busy
from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
left join rotor.policies p on p.id = s.policy_id
where s.retired_at is null and ($1::uuid is null or s.id > $1) and ($3::text is null or s.issuer = $3)
  and ($4::uuid is null or s.id = $4)
order by s.id limit $2`;

const versionsOf = `
select v.secret_id as "secretId", v.id as "versionId", v.ordinal, v.state, v.is_current as current,
  v.origin, v.value, v.credential_id as "credentialId", v.created_at as "createdAt",
  v.activated_at as "activatedAt", v.confirmed_at as "confirmedAt", v.expires_at as "expiresAt",
  v.revoked_at as "revokedAt", v.ended_cause as "endedCause"
from rotor.versions v where v.secret_id = any($1) order by v.ordinal`;

const dependenciesOf = `
select d.secret_id as "secretId", d.id as "dependencyId", t.name as dependent, d.seen_as as "seenAs",
  d.uses_at_least_every_ms::float8 as "usesAtLeastEveryMs",
  d.picks_up_within_ms::float8 as "picksUpWithinMs", d.declared_at as "declaredAt",
  e.id as "destinationId", e.connector, e.identity, e.address,
  d.assignment is not null as "byPerson", d.retired_at is not null as "isRetired",
  exists (select from rotor.deliveries y join rotor.versions v on v.id = y.version_id
    where y.dependency_id = d.id and v.is_current and y.delivered_at is not null) as delivered,
  exists (select from rotor.withholdings w where w.dependent_id = t.id and w.released_at is null
    and (w.secret_id is null or w.secret_id = d.secret_id)) as withheld
from rotor.dependencies d join rotor.dependents t on t.id = d.dependent_id
join rotor.destinations e on e.id = d.destination_id
where d.secret_id = any($1) order by t.name`;

const usesOf = `
select v.secret_id as "secretId", u.version_id as "versionId", u.source_key as "sourceKey",
  min(u.source::text)::jsonb as source, max(u.last_at) as "lastAt", sum(u.count)::float8 as count
from rotor.versions v join rotor.use u on u.version_id = v.id and u.outcome = 'accepted'
where v.secret_id = any($1) and v.state not in ('revoked', 'ended')
group by v.secret_id, u.version_id, u.source_key`;

const recordsOf = `
select secret_id as "secretId", kind, complete_through as "completeThrough",
  continuous_since as "continuousSince", resolution_ms::float8 as "resolutionMs",
  skew_ms::float8 as "skewMs", read_at as "readAt"
from rotor.use_records where secret_id = any($1)`;

const calledOf = `
select distinct v.secret_id as "secretId", v.id as "versionId"
from rotor.versions v join rotor.grants g on g.version_id = v.id
where v.secret_id = any($1) and v.state not in ('revoked', 'ended') and g.called_at is not null`;

const openOf = `
select secret_id as "secretId", code, about, version_id as "versionId", first_at as "firstAt", last_at as "lastAt"
from rotor.findings where secret_id = any($1) and closed_at is null`;

export async function rowsOfSecrets(
  pool: pg.Pool,
  { after, limit, issuer, secretId }: Pages,
): Promise<Rows> {
  const secrets = await ask<Rows['secrets'][number]>(pool, secretsOf, [
    after ?? null,
    limit,
    issuer ?? null,
    secretId ?? null,
  ]);
  const ids = [secrets.map(({ secretId }) => secretId)];
  const [versions, dependencies, uses, records, called, open] = await Promise.all([
    ask<Rows['versions'][number]>(pool, versionsOf, ids),
    ask<Rows['dependencies'][number]>(pool, dependenciesOf, ids),
    ask<Rows['uses'][number]>(pool, usesOf, ids),
    ask<OfSecret<RecordFacts>>(pool, recordsOf, ids),
    ask<Rows['called'][number]>(pool, calledOf, ids),
    ask<Rows['open'][number]>(pool, openOf, ids),
  ]);
  const kept = records.map(({ secretId, ...record }) => ({ secretId, record }));
  return { secrets, versions, dependencies, uses, records: kept, called, open };
}

/** The database says null where the language says nothing. */
async function ask<T extends object>(
  pool: pg.Pool,
  text: string,
  values: readonly unknown[],
): Promise<T[]> {
  const { rows } = await pool.query<Record<string, unknown>>(text, [...values]);
  for (const row of rows)
    for (const [name, value] of Object.entries(row)) if (value === null) row[name] = undefined;
  return rows as T[];
}
