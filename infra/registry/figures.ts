/** What metrics say of an installation: counted in one statement, when somebody asks. */
import type { Queryable } from '../postgres.js';

export interface SecretFigures {
  readonly organization: string;
  readonly secret: string;
  /** Of the current version; null where there is none, or it never ends. */
  readonly ageSeconds: number | null;
  readonly expiresAt: number | null;
  readonly succeededAt: number | null;
  readonly recordAgeSeconds: number | null;
  readonly overdue: boolean;
}

export interface Figures {
  readonly recovering: boolean;
  /** Of the last sweep that came to its end; null before there was one. */
  readonly sweptAt: number | null;
  readonly secrets: number;
  readonly overdue: number;
  /** No more than were asked for: those with the oldest versions. */
  readonly each: readonly SecretFigures[];
  readonly open: readonly { readonly kind: string; readonly count: number }[];
  readonly blocked: readonly { readonly code: string; readonly count: number }[];
  /** Open and not muted; those of no secret are of the installation, and not of one organization. */
  readonly findings: readonly { readonly code: string; readonly count: number }[];
  /** What waits for people. */
  readonly tasks: readonly { readonly code: string; readonly count: number }[];
  readonly refusals: number;
  /** How long each compromise waited for its first step. */
  readonly containSeconds: readonly number[];
  /** How long the one waits that waits longest. */
  readonly containWaitingSeconds: number;
}

const secondsSince = (moment: string): string =>
  `extract(epoch from clock_timestamp() - ${moment})::float8`;

/** `$1` is an organization, or null for all of them; `$2` how many secrets are listed. */
const figuresQuery = `
with mine as (
  select s.id, s.name, s.retired_at, o.name as organization
  from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
  where $1::text is null or o.name = $1),
open as (
  select r.kind, r.state, r.waits_code, r.waits_until, r.waits_held, r.requested_at, r.started_at
  from rotor.runs r join mine on mine.id = r.secret_id where r.state in ('requested', 'running')),
late as (
  select f.secret_id from rotor.findings f where f.code = 'rotation-overdue' and f.closed_at is null
  union select v.secret_id from rotor.versions v where v.is_current and v.expires_at < clock_timestamp()),
live as (
  select mine.*, v.activated_at, v.expires_at, mine.id in (select secret_id from late) as overdue
  from mine left join rotor.versions v on v.secret_id = mine.id and v.is_current
  where mine.retired_at is null)
select json_build_object(
  'recovering', (select recovering from rotor.installation),
  'sweptAt', (select extract(epoch from swept_at)::float8 from rotor.installation),
  'secrets', (select count(*) from live),
  'overdue', (select count(*) from live where overdue),
  'each', (select coalesce(json_agg(json_build_object('organization', l.organization,
      'secret', l.name, 'ageSeconds', ${secondsSince('l.activated_at')},
      'expiresAt', extract(epoch from l.expires_at)::float8,
      'succeededAt', (select extract(epoch from max(r.ended_at))::float8 from rotor.runs r
        where r.secret_id = l.id and r.outcome = 'succeeded' and r.kind in ('rotate', 'compromise')),
      'recordAgeSeconds', ${secondsSince('u.complete_through')}, 'overdue', l.overdue)), '[]')
    from (select * from live order by activated_at, id limit $2) l
    left join rotor.use_records u on u.secret_id = l.id),
  'open', (select coalesce(json_agg(json_build_object('kind', kind, 'count', n)), '[]')
    from (select kind, count(*) as n from open group by kind) by_kind),
  'blocked', (select coalesce(json_agg(json_build_object('code', waits_code, 'count', n)), '[]')
    from (select waits_code, count(*) as n from open
      where waits_code is not null and (waits_until is null or waits_held) group by waits_code) by_code),
  'findings', (select coalesce(json_agg(json_build_object('code', code, 'count', n)), '[]')
    from (select f.code, count(*) as n from rotor.findings f left join mine on mine.id = f.secret_id
      where f.closed_at is null and not rotor.is_muted(f)
        and (mine.id is not null or (f.secret_id is null and $1::text is null))
      group by f.code) by_code),
  'tasks', (select coalesce(json_agg(json_build_object('code', code, 'count', n)), '[]')
    from (select case when k.due_at > clock_timestamp() then 'open' else 'overdue' end as code,
        count(*) as n from rotor.tasks k join mine on mine.id = k.secret_id
      where k.state = 'open' group by 1) by_code),
  'refusals', (select coalesce(sum(u.count), 0) from rotor.use u
    join rotor.versions v on v.id = u.version_id join mine on mine.id = v.secret_id
    left join rotor.grants g on g.id = v.grant_id
    where u.outcome = 'refused' and v.state in ('revoked', 'ended')
      and (g.called_at is null or u.last_at >= g.called_at)),
  'containSeconds', (select coalesce(json_agg(extract(epoch from r.started_at - r.requested_at)::float8), '[]')
    from rotor.runs r join mine on mine.id = r.secret_id
    where r.kind = 'compromise' and r.started_at is not null),
  'containWaitingSeconds', (select coalesce(max(${secondsSince('requested_at')}), 0) from open
    where kind = 'compromise' and started_at is null)
) as figures`;

export async function readFigures(
  db: Queryable,
  organization: string | undefined,
  mostSecrets: number,
): Promise<Figures> {
  const { rows } = await db.query<{ figures: Figures }>({
    name: 'figures',
    text: figuresQuery,
    values: [organization ?? null, mostSecrets],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('no row');
  return row.figures;
}
