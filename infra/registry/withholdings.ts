/** Whom no new value is given: set by whoever looks after a leak, and released by somebody who decides. */
import { RotorError } from '../../domain/errors.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { closeFindings, writeFinding } from './findings.js';
import type { TrailParts } from './installation-trail.js';

export interface WithholdingCall {
  readonly organization: string;
  readonly dependent: string;
  /** Undefined: of every secret, also of those that are declared later. */
  readonly secret: string | undefined;
  readonly by: string;
  readonly reason: string;
}

export interface WithholdingChanged {
  /** Names of the secrets that it depends on, as far as this is about them. */
  readonly secrets: readonly string[];
  /** Secrets whose open runs have to look at the facts again. */
  readonly touched: readonly string[];
}

export interface DependentReleased extends WithholdingChanged {
  /** Names of the secrets whose current version it was not given, and that no open run will bring it. */
  readonly behind: readonly string[];
  /** What goes on to hold, of somebody else or of more. */
  readonly still: readonly StillWithheld[];
}

export interface StillWithheld {
  readonly by: string;
  readonly reason: string;
  /** Null: of every secret. */
  readonly secret: string | null;
  /** The incident that quarantines it; null: a person's word, or a compromise's. */
  readonly incident: string | null;
}

/** An incident's own, where one is named. */
interface Withheld extends WithholdingCall {
  readonly campaignId?: string;
}

const code = 'dependent-withheld';

/** Once more is the same: whoever was first is on record. */
export async function withholdDependent(
  { pool, audit }: TrailParts,
  call: WithholdingCall,
): Promise<WithholdingChanged> {
  return inTransaction(pool, (db) => withholdIn(db, audit, call));
}

/** The same in a transaction that changes more than this. */
export async function withholdIn(
  db: Queryable,
  audit: AuditTrail,
  call: Withheld,
): Promise<WithholdingChanged> {
  const subject = await lockSubject(db, call);
  await insert(db, { ...call, dependentId: subject.dependentId, secretId: subject.secretId });
  for (const { id } of subject.secrets) await tell(db, audit, { ...call, secretId: id });
  return changed(subject);
}

/** Whoever withheld it. Throws `not-withheld` where there is nothing to release. */
export async function releaseDependent(
  { pool, audit }: TrailParts,
  call: WithholdingCall,
): Promise<DependentReleased> {
  return inTransaction(pool, (db) => releaseIn(db, audit, call));
}

export async function releaseIn(
  db: Queryable,
  audit: AuditTrail,
  call: Withheld,
): Promise<DependentReleased> {
  const subject = await lockSubject(db, call);
  const { rowCount } = await db.query(
    `update rotor.withholdings set released_at = clock_timestamp(), released_by = $3,
       released_reason = $4
     where dependent_id = $1 and released_at is null and ($2::uuid is null or secret_id = $2)
       and ($5::uuid is null or campaign_id = $5)`,
    [subject.dependentId, subject.secretId ?? null, call.by, call.reason, call.campaignId ?? null],
  );
  if (rowCount === 0) throw await notWithheld(db, call, subject);
  for (const { id } of subject.secrets) await untell(db, audit, { ...call, secretId: id });
  const [behind, still] = [await behindOf(db, subject), await stillOf(db, subject)];
  return { ...changed(subject), behind, still };
}

async function stillOf(db: Queryable, { dependentId }: Subject): Promise<StillWithheld[]> {
  const { rows } = await db.query<StillWithheld>(
    `select w.withheld_by as by, w.reason, s.name as secret, w.campaign_id as incident
     from rotor.withholdings w left join rotor.secrets s on s.id = w.secret_id
     where w.dependent_id = $1 and w.released_at is null order by w.since`,
    [dependentId],
  );
  return rows;
}

/** An adopted version was there before rotor: nobody had to be given it. */
async function behindOf(db: Queryable, { dependentId, secrets }: Subject): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select distinct s.name from rotor.secrets s
       join rotor.versions v on v.secret_id = s.id and v.is_current and v.origin = 'minted'
       join rotor.dependencies d on d.secret_id = s.id and d.dependent_id = $1 and d.retired_at is null
     where s.id = any($2)
       and not exists (select from rotor.deliveries y
         where y.dependency_id = d.id and y.version_id = v.id and y.moved_at is not null)
       and not exists (select from rotor.runs r where r.secret_id = s.id and r.state <> 'ended')
       and not exists (select from rotor.withholdings w where w.dependent_id = $1
         and w.released_at is null and (w.secret_id is null or w.secret_id = s.id))
     order by s.name`,
    [dependentId, secrets.map(({ id }) => id)],
  );
  return rows.map(({ name }) => name);
}

/** With the request that excludes them, under its secret's lock. */
export async function withholdExcluded(
  db: Queryable,
  audit: AuditTrail,
  { secretId, names, ...who }: Told & { readonly names: readonly string[] },
): Promise<void> {
  for (const dependent of names) {
    const { rows } = await db.query<{ id: string }>(
      `select distinct t.id from rotor.dependents t join rotor.dependencies d on d.dependent_id = t.id
       where d.secret_id = $1 and t.name = $2 and d.retired_at is null and t.retired_at is null`,
      [secretId, dependent],
    );
    for (const { id } of rows) {
      await insert(db, { ...who, dependentId: id, secretId });
      await tell(db, audit, { ...who, secretId, dependent });
    }
  }
}

interface Subject {
  readonly dependentId: string;
  readonly secretId: string | undefined;
  readonly secrets: readonly { readonly id: string; readonly name: string }[];
}

/** The dependent first, then its secrets, each by id: the order of locks that everybody keeps. */
async function lockSubject(db: Queryable, call: WithholdingCall): Promise<Subject> {
  const { rows } = await db.query<{ id: string }>(
    `select t.id from rotor.dependents t join rotor.organizations o on o.id = t.organization_id
     where o.name = $1 and t.name = $2 and t.retired_at is null for no key update of t`,
    [call.organization, call.dependent],
  );
  const dependentId = rows[0]?.id;
  if (dependentId === undefined) throw noSuchDependent(call);
  const { rows: secrets } = await db.query<{ id: string; name: string }>(
    `select s.id, s.name from rotor.secrets s
     where s.retired_at is null and ($2::text is null or s.name = $2) and s.id in
       (select d.secret_id from rotor.dependencies d where d.dependent_id = $1 and d.retired_at is null)
     order by s.id for update`,
    [dependentId, call.secret ?? null],
  );
  if (call.secret !== undefined && secrets.length === 0) throw doesNotDepend(call);
  return { dependentId, secrets, secretId: call.secret === undefined ? undefined : secrets[0]?.id };
}

function changed({ secrets }: Subject): WithholdingChanged {
  return { secrets: secrets.map(({ name }) => name), touched: secrets.map(({ id }) => id) };
}

interface Row extends Pick<WithholdingCall, 'by' | 'reason'> {
  readonly dependentId: string;
  readonly secretId: string | undefined;
  readonly campaignId?: string;
}

async function insert(db: Queryable, row: Row): Promise<void> {
  const { dependentId, secretId, by, reason, campaignId } = row;
  await db.query(
    `insert into rotor.withholdings (dependent_id, secret_id, withheld_by, reason, campaign_id)
     values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [dependentId, secretId ?? null, by, reason, campaignId ?? null],
  );
}

interface Told extends Pick<WithholdingCall, 'by' | 'reason'> {
  readonly secretId: string;
  readonly runId?: string;
}

async function tell(
  db: Queryable,
  audit: AuditTrail,
  { secretId, dependent, by, reason, runId }: Told & { readonly dependent: string },
): Promise<void> {
  const message = `${dependent} is given no new value: ${reason} (${by})`;
  await writeFinding(db, secretId, { code, about: dependent, message });
  const event = { change: code, dependent, reason };
  await audit.append(db, secretId, [
    { actor: by, event, ...(runId === undefined ? {} : { runId }) },
  ]);
}

/** Closed by the fact: it stays open where another withholding holds. */
async function untell(
  db: Queryable,
  audit: AuditTrail,
  { secretId, dependent, by, reason }: Told & { readonly dependent: string },
): Promise<void> {
  const { rows } = await db.query(
    `select 1 from rotor.withholdings w join rotor.dependents t on t.id = w.dependent_id
     join rotor.dependencies d on d.dependent_id = t.id and d.secret_id = $1
     where t.name = $2 and w.released_at is null and (w.secret_id is null or w.secret_id = $1) limit 1`,
    [secretId, dependent],
  );
  if (rows.length === 0) await closeFindings(db, secretId, { code, abouts: [dependent] });
  const event = { change: 'dependent-released', dependent, reason };
  await audit.append(db, secretId, [{ actor: by, event }]);
}

function noSuchDependent({ organization, dependent }: WithholdingCall): RotorError {
  const message = `there is no dependent ${organization}/${dependent}`;
  return new RotorError('no-such-dependent', message, { kind: 'missing' });
}

function doesNotDepend({ dependent, secret }: WithholdingCall): RotorError {
  const message = `${dependent} does not depend on ${secret ?? 'it'}`;
  return new RotorError('no-such-dependency', message, { kind: 'missing' });
}

async function notWithheld(
  db: Queryable,
  { organization, dependent, secret, campaignId }: Withheld,
  { dependentId }: Subject,
): Promise<RotorError> {
  if (campaignId !== undefined) {
    const message = `${dependent} was released from this incident already`;
    return new RotorError('not-withheld', message, { kind: 'conflict' });
  }
  const { rowCount } = await db.query(
    'select from rotor.withholdings where dependent_id = $1 and released_at is null and secret_id is null',
    [dependentId],
  );
  if (rowCount === 0) {
    const message = `${dependent} is given every value${secret === undefined ? '' : ` of ${secret}`} already`;
    return new RotorError('not-withheld', message, { kind: 'conflict' });
  }
  const message = `${dependent} is given no value of any secret: that is released for all of them`;
  const hint = `rotor dependents release ${organization}/${dependent} --reason TEXT`;
  return new RotorError('withheld-from-all', message, { kind: 'conflict', hint });
}
