/** What a compromised system held, now or in the past: its dependencies and what was delivered there know it. */
import type { Exposure } from '../../domain/campaign.js';
import type { Labels } from '../../domain/labels.js';
import type { Queryable } from '../postgres.js';

/** What was compromised, by ids. */
export type CampaignSubject =
  /** All that ever had the name: one that was retired held what it held all the same. */
  | { readonly dependents: readonly string[] }
  | { readonly organization: string; readonly labels?: Labels }
  | { readonly secrets: readonly string[] };

type Row = Omit<Exposure, 'role'> & { readonly role: string | null };

/**
 * Live versions that were minted before the moment; without one, every secret is in scope, whatever lives of it. Of a system: those of secrets that it uses, and those that were
 * delivered to it while it used them; what is older than rotor it may always have held.
 */
export async function exposuresOf(
  db: Queryable,
  subject: CampaignSubject,
  leakedBefore: Date | undefined,
): Promise<Exposure[]> {
  const { rows } = await db.query<Row>(
    `with held as (
       select v.id, s.id as secret_id, v.ordinal from rotor.secrets s
       left join rotor.versions v on v.secret_id = s.id and v.state not in ('revoked', 'ended')
       where s.retired_at is null
         and ($4::timestamptz is null or v.created_at < $4 or v.origin <> 'minted')
         and ($2::uuid is null or s.organization_id = $2) and s.labels @> $5
         and ($3::uuid[] is null or s.id = any($3))
         and ($1::uuid[] is null or exists (
           select from rotor.dependencies d where d.secret_id = s.id and d.dependent_id = any($1)
             and (d.retired_at is null or v.origin <> 'minted' or exists (
               select from rotor.deliveries y where y.dependency_id = d.id and y.version_id = v.id)))))
     select s.id as "secretId", o.name || '/' || s.name as name,
       coalesce(array_agg(h.id order by h.ordinal) filter (where h.id is not null), '{}') as "versionIds",
       coalesce(array_agg('v' || h.ordinal order by h.ordinal) filter (where h.id is not null), '{}') as versions,
       s.specification->>'role' as role,
       array(select distinct t.name from rotor.dependencies d join rotor.dependents t on t.id = d.dependent_id
             where d.secret_id = s.id and d.retired_at is null order by 1) as dependents,
       exists (select from rotor.use u where u.version_id = any(array_agg(h.id))
         and u.outcome = 'accepted' and u.last_at > clock_timestamp() - interval '1 day') as "usedLately"
     from held h join rotor.secrets s on s.id = h.secret_id
     join rotor.organizations o on o.id = s.organization_id
     group by s.id, o.name`,
    [
      'dependents' in subject ? subject.dependents : null,
      'organization' in subject ? subject.organization : null,
      'secrets' in subject ? subject.secrets : null,
      leakedBefore ?? null,
      'labels' in subject ? subject.labels : {},
    ],
  );
  return rows.map(({ role, ...row }) => ({ ...row, role: role ?? undefined }));
}
