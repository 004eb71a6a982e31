/** Reads all facts of a run's secret in one statement, and gives them their types. */
import type { Facts, RunFacts, VersionFacts } from '../../domain/facts.js';
import { closedAt } from '../../domain/maintenance.js';
import type { IssuerTraits } from '../../domain/issuer.js';
import { standardPolicy, type Policy } from '../../domain/policy.js';
import { calendar } from '../calendar.js';
import type { Queryable } from '../postgres.js';
import type { ChainHead } from './audit.js';
import { beginning } from './audit-chain.js';

/** `$1` is a run; a subject without a run is read through a run that is not stored. */
export const factsQuery = `
select json_build_object(
  'now', clock_timestamp(),
  'auditHead', (select json_build_object('count', h.count, 'head', encode(h.head, 'hex'))
    from rotor.audit_heads h where h.chain_id = s.id),
  'installationId', i.id, 'recovering', i.recovering,
  'recoveredAt', i.recovered_at,
  'secret', json_build_object('secretId', s.id, 'name', s.name, 'organization', o.name,
    'owner', s.owner, 'labels', s.labels, 'issuer', s.issuer, 'specification', s.specification),
  'policy', p.policy, 'policyRevision', coalesce(p.revision, 0),
  'run', (select json_build_object('runId', r.id, 'kind', r.kind, 'state', r.state,
      'outcome', r.outcome, 'requestedBy', r.requested_by, 'reason', r.reason,
      'requestedAt', r.requested_at, 'options', r.options,
      'wait', case when r.waits_code is not null then json_build_object('code', r.waits_code,
        'until', r.waits_until, 'promised', r.waits_promised, 'held', r.waits_held) end,
      'plan', case when r.plan is null then null else
        json_build_object('revision', r.plan_revision, 'hash', r.plan_hash, 'steps', r.plan->'steps',
          'direction', r.plan->'direction', 'towards', r.plan->'towards', 'ends', r.plan->'ends',
          'content', r.plan->'content') end,
      'requestedPerson', r.requested_person,
      'joinedPersons', (select coalesce(json_agg(distinct j.person), '[]')
        from rotor.joined_requests j where j.run_id = r.id and j.person is not null),
      'approvals', (select coalesce(json_agg(json_build_object('approvalId', a.id, 'by', a.approved_by,
          'person', a.person, 'at', a.approved_at, 'expiresAt', a.expires_at, 'content', a.content,
          'usedFor', a.used_for) order by a.approved_at), '[]')
        from rotor.approvals a where a.run_id = r.id),
      'decisions', (select coalesce(json_agg(json_build_object('decisionId', d.id, 'kind', d.kind,
          'dependencyId', d.dependency_id, 'by', d.decided_by, 'person', d.person, 'reason', d.reason,
          'accepted', d.accepted, 'at', d.decided_at, 'read', d.read) order by d.decided_at, d.id), '[]')
        from rotor.decisions d where d.run_id = r.id))
    from rotor.runs r where r.id = $2),
  'versions', (select coalesce(json_agg(json_build_object('versionId', v.id, 'ordinal', v.ordinal,
      'state', v.state, 'current', v.is_current, 'origin', v.origin, 'credentialId', v.credential_id,
      'value', v.value, 'runId', v.run_id, 'createdAt', v.created_at, 'activatedAt', v.activated_at,
      'expiresAt', v.expires_at, 'confirmedAt', v.confirmed_at, 'disabledAt', v.disabled_at,
      'disabledUntil', v.disabled_until, 'broughtBack', v.brought_back, 'refused', v.refused,
      'endedCause', v.ended_cause, 'revokedAt', v.revoked_at, 'monitorUntil', v.monitor_until,
      'listedBefore', v.listed_before,
      'mintedAs', v.minted_as) order by v.ordinal), '[]')
    from rotor.versions v where v.secret_id = s.id
      and (v.state not in ('revoked', 'ended') or v.value = 'sealed' or v.ordinal > -10 +
        (select max(m.ordinal) from rotor.versions m where m.secret_id = s.id))),
  'dependencies', (select coalesce(json_agg(json_build_object('dependencyId', d.id,
      'dependent', t.name, 'dependentId', t.id, 'destinationId', e.id, 'connector', e.connector,
      'identity', e.identity, 'address', e.address, 'wave', d.wave, 'owner', d.owner,
      'documentation', d.documentation, 'leastEvidence', d.least_evidence, 'seenAs', d.seen_as,
      'usesAtLeastEveryMs', d.uses_at_least_every_ms, 'picksUpWithinMs', d.picks_up_within_ms,
      'declaredAt', d.declared_at, 'assignment', d.assignment,
      'withheld', w.withheld) order by t.name, e.identity), '[]')
    from rotor.dependencies d join rotor.dependents t on t.id = d.dependent_id
      join rotor.destinations e on e.id = d.destination_id
      left join (select distinct on (w.dependent_id) w.dependent_id,
          json_build_object('by', w.withheld_by, 'reason', w.reason, 'since', w.since) as withheld
        from rotor.withholdings w
        where w.released_at is null and (w.secret_id is null or w.secret_id = s.id)
        order by w.dependent_id, w.since) w on w.dependent_id = t.id
    where d.secret_id = s.id and d.retired_at is null and t.retired_at is null),
  'deliveries', (select coalesce(json_agg(json_build_object('dependencyId', y.dependency_id,
      'versionId', y.version_id, 'generation', y.generation, 'evidence', y.evidence,
      'deliveredAt', y.delivered_at, 'movedAt', y.moved_at, 'failure', y.failure)), '[]')
    from rotor.deliveries y join rotor.versions v on v.id = y.version_id
    where v.secret_id = s.id and v.state not in ('revoked', 'ended')),
  'uses', (select coalesce(json_agg(u), '[]') from (
      select u.version_id as "versionId", u.source, u.outcome, min(u.first_at) as "firstAt",
        max(u.last_at) as "lastAt", sum(u.count)::bigint as count
      from rotor.use u join rotor.versions v on v.id = u.version_id
      where v.secret_id = s.id and v.state not in ('revoked', 'ended')
      group by u.version_id, u.source_key, u.source, u.outcome) u),
  'record', (select json_build_object('kind', c.kind, 'completeThrough', c.complete_through,
      'continuousSince', c.continuous_since, 'resolutionMs', c.resolution_ms,
      'skewMs', c.skew_ms, 'readAt', c.read_at)
    from rotor.use_records c where c.secret_id = s.id),
  'effects', (select coalesce(json_agg(json_build_object('effectId', f.id, 'runId', f.run_id,
      'kind', f.kind, 'versionId', f.version_id, 'deadline', f.deadline,
      'finished', f.finished)), '[]')
    from rotor.effects f join rotor.versions v on v.id = f.version_id
    where v.secret_id = s.id and not f.finished),
  'leases', (select coalesce(json_agg(json_build_object('destinationId', l.destination_id,
      'generation', l.generation, 'versionId', l.version_id, 'runId', l.run_id,
      'deadline', l.deadline, 'released', l.released, 'contested', l.contested)), '[]')
    from rotor.leases l where l.destination_id in
      (select d.destination_id from rotor.dependencies d where d.secret_id = s.id)),
  'grants', (select coalesce(json_agg(json_build_object('grantId', g.id, 'versionId', g.version_id,
      'runId', g.run_id, 'basis', g.basis, 'grantedAt', g.granted_at, 'expiresAt', g.expires_at,
      'calledAt', g.called_at) order by g.granted_at), '[]')
    from rotor.grants g join rotor.versions v on v.id = g.version_id
    where v.secret_id = s.id and v.state not in ('revoked', 'ended')),
  'tasks', (select coalesce(json_agg(json_build_object('taskId', k.id, 'kind', k.kind,
      'dependencyId', k.dependency_id, 'versionId', k.version_id, 'runId', k.run_id,
      'state', k.state, 'openedAt', k.opened_at, 'dueAt', k.due_at, 'fetchedAt', k.fetched_at,
      'settledAt', k.settled_at, 'settledBy', k.settled_by, 'note', k.note, 'heard', k.heard,
      'link', (select json_build_object('linkId', l.id, 'expiresAt', l.expires_at, 'openedAt', l.opened_at)
        from rotor.task_links l where l.task_id = k.id order by l.issued_at desc limit 1))
      order by k.opened_at), '[]')
    from rotor.tasks k join rotor.versions v on v.id = k.version_id
    where k.secret_id = s.id and (v.state not in ('revoked', 'ended') or v.value = 'sealed'))
) as facts
from rotor.secrets s
join rotor.organizations o on o.id = s.organization_id
left join rotor.policies p on p.id = s.policy_id
cross join rotor.installation i
where s.id = $1`;

const dateFields: ReadonlySet<string> = new Set([
  'now',
  'recoveredAt',
  'requestedAt',
  'at',
  'createdAt',
  'activatedAt',
  'expiresAt',
  'confirmedAt',
  'disabledAt',
  'disabledUntil',
  'revokedAt',
  'monitorUntil',
  'declaredAt',
  'since',
  'deliveredAt',
  'movedAt',
  'firstAt',
  'lastAt',
  'completeThrough',
  'continuousSince',
  'readAt',
  'deadline',
  'grantedAt',
  'calledAt',
  'openedAt',
  'dueAt',
  'fetchedAt',
  'settledAt',
  'until',
  'promised',
]);
/** What others wrote is left as it is, whatever its keys are called. */
const opaqueFields: ReadonlySet<string> = new Set([
  'specification',
  'labels',
  'policy',
  'options',
  'accepted',
  'content',
  'address',
  'assignment',
  'seenAs',
  'source',
  'listedBefore',
]);

/** JSON has no dates and no undefined: both are given back, for the fields that are ours. */
export function revive(value: unknown, field = ''): unknown {
  if (value === null) return undefined;
  if (opaqueFields.has(field)) return value;
  if (typeof value === 'string') return dateFields.has(field) ? new Date(value) : value;
  if (Array.isArray(value)) return value.map((entry) => revive(entry));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, revive(entry, name)]),
  );
}

type StoredFacts = Omit<Facts, 'traits' | 'policy' | 'closed' | 'run'> & {
  readonly policy: Policy | undefined;
  readonly run: RunFacts | undefined;
  readonly auditHead: { readonly count: number; readonly head: string } | undefined;
};

export interface FactsOf {
  readonly secretId: string;
  readonly runId: string;
  /** For a run that is only thought of: what `rotor plan` shows. */
  readonly imagined?: RunFacts;
}

export interface FactsRead {
  readonly facts: Facts;
  /** The end of the secret's audit chain, when the facts were read. */
  readonly head: ChainHead;
}

export type TraitsOf = (issuer: string) => IssuerTraits;

/** Undefined where there is no such secret, or no such run. */
export async function readFacts(
  db: Queryable,
  traitsOf: TraitsOf,
  of: FactsOf,
): Promise<Facts | undefined> {
  return (await readFactsAndHead(db, traitsOf, of))?.facts;
}

export async function readFactsAndHead(
  db: Queryable,
  traitsOf: TraitsOf,
  { secretId, runId, imagined }: FactsOf,
): Promise<FactsRead | undefined> {
  const { rows } = await db.query<{ facts: unknown }>({
    name: 'facts',
    text: factsQuery,
    values: [secretId, runId],
  });
  const stored = revive(rows[0]?.facts) as StoredFacts | undefined;
  const run = imagined ?? stored?.run;
  if (stored === undefined || run === undefined) return undefined;
  const { auditHead, ...known } = stored;
  const head = auditHead === undefined ? beginning : Buffer.from(auditHead.head, 'hex');
  const traits = traitsOf(stored.secret.issuer);
  const facts: Facts = { ...known, traits, run, ...underPolicy(stored) };
  return { facts, head: { head, count: auditHead?.count ?? 0 } };
}

function underPolicy({
  now,
  policy = standardPolicy,
}: Pick<StoredFacts, 'now' | 'policy'>): Pick<Facts, 'policy' | 'closed'> {
  const { maintenance } = policy;
  return { policy, closed: maintenance && closedAt(now, maintenance, calendar) };
}

export function nextOrdinal(versions: readonly VersionFacts[]): number {
  return 1 + Math.max(0, ...versions.map(({ ordinal }) => ordinal));
}
