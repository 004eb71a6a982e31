/** Copies what issuers saw, one short transaction per batch and no lock on the secret, and says which of it is news. */
import type pg from 'pg';
import { isAcceptedSource, type Accepter } from '../../domain/acceptance.js';
import {
  attribute,
  describeSource,
  isExplained,
  type Recognizable,
  type SeenAs,
} from '../../domain/attribution.js';
import type { Finding } from '../../domain/finding.js';
import { readFrom } from '../../domain/quiet.js';
import type { ObservedUse } from '../../domain/issuer.js';
import { disableLeaseMs } from '../../domain/stragglers.js';
import type { UseNews, WatchedSecret } from '../../domain/registry.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { contradicted, lastConfirmed } from './confirmed-use.js';
import { writeFinding } from './findings.js';
import { openRuns } from './place.js';
import { sourceKey } from './source-key.js';
import { foldedAfterDays } from './upkeep.js';
import { moveWatermark, type Reading } from './watermark.js';

interface KnownVersion {
  readonly id: string;
  readonly ordinal: number;
  readonly disabledAt: Date | null;
  /** From the call on a use is late, whenever the proof that it is dead came. */
  readonly calledAt: Date | null;
}

interface NewUse {
  readonly version: KnownVersion;
  readonly use: ObservedUse;
  /** This source was not known to use this version. */
  readonly firstOfSource: boolean;
  /** Somebody confirmed by hand that a dependent of the secret has a value. */
  readonly confirmed: boolean;
}

interface Copied {
  readonly fresh: readonly NewUse[];
  readonly skewMs: number;
}

/**
 * The watermark's row is locked first: a credential that becomes known meanwhile either finds its use copied
 * here, or puts the watermark back after this. Where there is no row yet, the insert refers to the secret's row, which
 * whoever makes a credential known holds for update: one of the two waits for the other there.
 */
export async function recordUse(pool: pg.Pool, reading: Reading): Promise<UseNews[]> {
  return inTransaction<UseNews[], Copied>(
    pool,
    (db, copied) => findNews(db, reading, copied),
    async (db): Promise<Copied> => {
      const [, { skewMs }, fresh] = await Promise.all([
        db.query('begin'),
        moveWatermark(db, reading),
        copyUses(db, reading),
      ]);
      return { fresh, skewMs };
    },
  );
}

/** A slower reader moves nothing back. Rows are written in one order, so that two collectors never wait for each other in a circle. */
const upsertUses = `
with incoming as (
       select r.*, v.id as version_id, v.ordinal, v.disabled_at,
         (select max(g.called_at) from rotor.grants g where g.version_id = v.id) as called_at
       from jsonb_to_recordset($2::jsonb) as r(index int, credential_id text, tagged uuid, source_key text,
         outcome text, minute timestamptz, source jsonb, last_at timestamptz, count bigint)
       join rotor.versions v on v.secret_id = $1
         and (v.credential_id = r.credential_id or v.id = r.tagged)
       -- A day that was folded is told once: its minutes come again where a record is read anew.
       where case when r.minute > clock_timestamp() - interval '${foldedAfterDays} days' then true
         else not exists (select from rotor.use d
           where (d.version_id, d.source_key, d.outcome, d.folded) = (v.id, r.source_key, r.outcome, true)
             and d.minute < r.minute and d.minute > r.minute - interval '1 day' and d.last_at >= r.last_at) end),
     known as (
       select distinct u.version_id, u.source_key, u.outcome from rotor.use u
       join incoming i using (version_id, source_key, outcome)),
     changed as (
       insert into rotor.use as u
         (version_id, source_key, outcome, minute, source, first_at, last_at, count)
       select version_id, source_key, outcome, minute, source, last_at, last_at, count
       from incoming order by version_id, source_key, outcome, minute
       on conflict (version_id, source_key, outcome, minute) do update
         set last_at = greatest(u.last_at, excluded.last_at),
           count = greatest(u.count, excluded.count)
         where excluded.count > u.count or excluded.last_at > u.last_at
       returning u.version_id, u.source_key, u.outcome, u.minute)
     select i.index, i.version_id as id, i.ordinal, i.disabled_at as "disabledAt",
       exists (select from rotor.tasks t where t.secret_id = $1 and t.state = 'confirmed') as confirmed,
       i.called_at as "calledAt", exists (select from known k
         where (k.version_id, k.source_key, k.outcome) = (i.version_id, i.source_key, i.outcome)) as known
     from incoming i join changed c using (version_id, source_key, outcome, minute)
     order by i.index`;

type WrittenUse = KnownVersion & {
  readonly index: number;
  readonly known: boolean;
  readonly confirmed: boolean;
};

/** What changed; credentials that the registry does not know are left out. */
async function copyUses(db: Queryable, { secretId, record }: Reading): Promise<NewUse[]> {
  const { uses } = record;
  if (uses.length === 0) return [];
  const incoming = uses.map((use, index) => ({
    index,
    credential_id: use.credentialId,
    tagged: isId(use.versionId) ? use.versionId : undefined,
    source_key: sourceKey(use.source),
    outcome: use.outcome,
    minute: use.minute,
    source: use.source,
    last_at: use.lastAt,
    count: use.count,
  }));
  const { rows } = await db.query<WrittenUse>({
    name: 'upsert-uses',
    text: upsertUses,
    values: [secretId, JSON.stringify(incoming)],
  });
  return rows.flatMap(({ index, known, confirmed, ...version }) => {
    const use = uses[index];
    return use === undefined ? [] : [{ version, use, firstOfSource: !known, confirmed }];
  });
}

/** Anybody may write a tag. */
function isId(text: string | undefined): boolean {
  return text !== undefined && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

async function findNews(
  db: Queryable,
  { secretId }: Reading,
  { fresh, skewMs }: Copied,
): Promise<UseNews[]> {
  const news = new Set<UseNews['what']>();
  const first = new Set<string>();
  const dependencies = fresh.some(isTelling) ? await recognizable(db, secretId) : [];
  const run = fresh.some(isRefusal) ? await openRunOf(db, secretId) : nobodyAsked;
  for (const entry of fresh) {
    const found = judge(entry, { dependencies, run }, skewMs);
    if (found?.finding !== undefined) await writeFinding(db, secretId, found.finding);
    if (found !== undefined) news.add(found.what);
    if (found?.dependencyId !== undefined) first.add(found.dependencyId);
  }
  await findContradictions(db, secretId, { fresh, skewMs });
  const dependencyIds = [...first];
  return [...news].map((what) =>
    what === 'first-use' ? { secretId, what, dependencyIds } : { secretId, what },
  );
}

/** Somebody known who goes on as before contradicts whoever said that they do not. */
async function findContradictions(
  db: Queryable,
  secretId: string,
  { fresh, skewMs }: Copied,
): Promise<void> {
  const accepted = fresh.filter(({ use, confirmed }) => confirmed && use.outcome === 'accepted');
  if (accepted.length === 0) return;
  const confirmed = await lastConfirmed(db, secretId);
  const dependencies = await recognizable(db, secretId);
  for (const { version, use } of accepted) {
    const owner = attribute(use.source, dependencies);
    const at = use.lastAt.getTime() - skewMs;
    const old = owner && contradicted(confirmed, { version, source: use.source, at, owner });
    if (old !== undefined) await writeFinding(db, secretId, old);
  }
}

/** Somebody known who goes on as before is no news. */
function isTelling({ use, firstOfSource }: NewUse): boolean {
  return use.outcome === 'refused' || firstOfSource;
}

function isRefusal({ use }: NewUse): boolean {
  return use.outcome === 'refused';
}

const nobodyAsked: Accepter = { options: {} };

/** With what was accepted for it. */
async function openRunOf(db: Queryable, secretId: string): Promise<Accepter> {
  const open = await openRuns(db, secretId);
  return open.find(({ state }) => state === 'running') ?? nobodyAsked;
}

interface Judged {
  readonly what: UseNews['what'];
  readonly dependencyId?: string;
  readonly finding?: Finding;
}

interface Named extends Recognizable {
  readonly dependent: string;
}

function judge(
  { version, use, firstOfSource }: NewUse,
  known: { readonly dependencies: readonly Named[]; readonly run: Accepter },
  skewMs: number,
): Judged | undefined {
  const owner = attribute(use.source, known.dependencies);
  const who = describeSource(use.source);
  const about = `${version.id} ${sourceKey(use.source)}`;
  const named = { about, versionId: version.id, source: use.source };
  if (use.outcome === 'accepted') {
    if (!firstOfSource) return undefined;
    // Whoever picks a version up late is proven by this, and not at the end of its patience.
    if (owner !== undefined) return { what: 'first-use', dependencyId: owner.dependencyId };
    if (isExplained(use.source, known.dependencies)) return undefined;
    const message = `v${version.ordinal} is used by nobody declared: ${who}`;
    return { what: 'new-user', finding: { code: 'undeclared-use', message, ...named } };
  }
  const at = use.lastAt.getTime() - skewMs;
  if (isSince(at, version.calledAt)) {
    const whose = owner === undefined ? who : `${owner.dependent} (${who})`;
    const message = `revoked v${version.ordinal} was tried by ${whose}`;
    return { what: 'revoked-use', finding: { code: 'revoked-use', message, ...named } };
  }
  // Who was accepted to break goes on trying: that wakes nobody.
  const isStraggler = isSince(at, version.disabledAt) && !isAcceptedSource(known, use.source);
  return isStraggler ? { what: 'straggler' } : undefined;
}

function isSince(at: number, since: Date | null): boolean {
  return since !== null && at >= since.getTime();
}

async function recognizable(db: Queryable, secretId: string): Promise<Named[]> {
  const { rows } = await db.query<{ id: string; seen_as: SeenAs | null; dependent: string }>(
    `select d.id, d.seen_as, t.name as dependent
     from rotor.dependencies d join rotor.dependents t on t.id = d.dependent_id
     where d.secret_id = $1 and d.retired_at is null`,
    [secretId],
  );
  return rows.map((row) => ({
    dependencyId: row.id,
    dependent: row.dependent,
    seenAs: row.seen_as ?? undefined,
  }));
}

/** Secrets that nothing is happening to are read this often. */
const idleSeconds = 60;

export async function watchedSecrets(db: Queryable, issuer: string): Promise<WatchedSecret[]> {
  const { rows } = await db.query<{
    id: string;
    name: string;
    specification: Record<string, unknown>;
    complete_through: Date | null;
  }>(
    `select s.id, o.name || '/' || s.name as name, s.specification, r.complete_through
     from rotor.secrets s join rotor.organizations o on o.id = s.organization_id
     left join rotor.use_records r on r.secret_id = s.id
     where s.issuer = $1
       and (s.retired_at is null or exists (select from rotor.versions v
         where v.secret_id = s.id and v.monitor_until > clock_timestamp()))
       and exists (select from rotor.versions v where v.secret_id = s.id)
       and (r.read_at is null or r.read_at < clock_timestamp() - make_interval(secs => ${idleSeconds})
         or exists (select from rotor.runs u where u.secret_id = s.id and u.state in ('requested', 'running'))
         or exists (select from rotor.versions v where v.secret_id = s.id
              and (v.state = 'disabled' or v.monitor_until > clock_timestamp())))
     -- Whoever was read longest ago comes first: a look that cannot hold all of them leaves out nobody twice.
     order by r.read_at nulls first limit 500`,
    [issuer],
  );
  return rows.map((row) => ({
    secretId: row.id,
    name: row.name,
    specification: row.specification,
    since: readFrom(row.complete_through ?? undefined, new Date()),
  }));
}

/** Disabled versions whose lease is half over. */
export async function dueLeases(
  db: Queryable,
  issuer: string,
): Promise<{ runId: string; versionId: string }[]> {
  const { rows } = await db.query<{ run_id: string; version_id: string }>(
    `select r.id as run_id, v.id as version_id from rotor.versions v
     join rotor.secrets s on s.id = v.secret_id
     join rotor.runs r on r.secret_id = s.id and r.state = 'running'
     where s.issuer = $1 and v.state = 'disabled'
       and v.disabled_until < clock_timestamp() + make_interval(secs => $2)
       and v.disabled_until > clock_timestamp()`,
    [issuer, disableLeaseMs / 2_000],
  );
  return rows.map(({ run_id, version_id }) => ({ runId: run_id, versionId: version_id }));
}
