/** The one door: a request becomes a run in one transaction, and whoever starts its workflow claims it first. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { RotorError } from '../../domain/errors.js';
import type { RunOptions } from '../../domain/facts.js';
import { noSuchSecret, type SecretName } from '../../domain/registry.js';
import type { RunKind, StartableRun } from '../../domain/run.js';
import { shortId } from '../../domain/told-id.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { writeFinding } from './findings.js';
import { fingerprintOf, keyReused } from './idempotency.js';
import { lockIfLive } from './named-secret.js';
import { endRun } from './run-end.js';
import { withholdExcluded } from './withholdings.js';
import { livesOn, openRuns, placeFor, type Place } from './place.js';

export interface RunRequest extends SecretName {
  readonly kind: RunKind;
  readonly requestedBy: string;
  /** Undefined: a program asks. */
  readonly requestedPerson?: string | undefined;
  readonly reason: string;
  readonly options: RunOptions;
  readonly idempotencyKey: string;
}

export type Submission = 'created' | 'queued' | 'joined' | 'repeated';

export interface Submitted {
  readonly runId: string;
  readonly submission: Submission;
  /** Of a compromise that joined another: versions that live, and that nobody has asked that one to end. */
  readonly livesOn?: readonly string[];
}

const claimSeconds = 10;

interface Door {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
}

/** Idempotent by its key: the same request again is the same run, another body is a conflict. */
export async function submit(
  door: Door,
  request: RunRequest,
  claimant: string,
): Promise<Submitted> {
  const { audit } = door;
  return inTransaction(door.pool, (db) => submitIn({ db, audit }, request, claimant));
}

/** The same in a transaction that changes more than this. */
export async function submitIn(
  { db, audit }: { readonly db: Queryable; readonly audit: AuditTrail },
  request: RunRequest,
  claimant: string,
): Promise<Submitted> {
  const secretId = await lockIfLive(db, request);
  const repeated = await findRepeated(db, request);
  if (repeated !== undefined) return repeated;
  // Only now: what has ended the secret may be what is asked for once more.
  if (secretId === undefined) throw noSuchSecret(request);
  const open = await openRuns(db, secretId);
  const place = placeFor(request, open);
  if (place.kind === 'join') {
    const { runId } = place;
    const { kind, reason, options } = request;
    const event = { change: 'run-joined', kind, reason, options };
    await audit.append(db, secretId, [{ actor: request.requestedBy, runId, event }]);
    await exclude(db, audit, { request, secretId, runId });
    return join(db, request, runId);
  }
  await refuseUnknownDependents(db, secretId, request);
  if (place.supersedes !== undefined) await endRun(db, place.supersedes, 'superseded');
  const runId = await insertRun(db, { request, secretId, place, claimant });
  await noteRequest(audit, db, { request, secretId, runId, place });
  await exclude(db, audit, { request, secretId, runId });
  if (request.kind === 'compromise') await noteBreakGlass(db, { request, secretId, runId });
  return { runId, submission: place.state === 'queued' ? 'queued' : 'created' };
}

/** Where the key has been used, of which secret: its answer is known already, whatever has changed since. */
export async function secretOfKey(
  db: Queryable,
  idempotencyKey: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ secretId: string }>(
    `select secret_id as "secretId" from rotor.runs where idempotency_key = $1
     union all select r.secret_id from rotor.joined_requests j join rotor.runs r on r.id = j.run_id
     where j.idempotency_key = $1`,
    [idempotencyKey],
  );
  return rows[0]?.secretId;
}

async function findRepeated(db: Queryable, request: RunRequest): Promise<Submitted | undefined> {
  const { rows } = await db.query<{ id: string; request_fingerprint: string }>(
    `select id, request_fingerprint from rotor.runs where idempotency_key = $1
     union all select run_id, request_fingerprint from rotor.joined_requests
     where idempotency_key = $1`,
    [request.idempotencyKey],
  );
  const found = rows[0];
  if (found === undefined) return undefined;
  if (found.request_fingerprint === fingerprintOf(request)) {
    return { runId: found.id, submission: 'repeated' };
  }
  throw keyReused();
}

/** Its key is kept beside the run's own: the same request again, also after the run has ended, starts no other. */
async function join(db: Queryable, request: RunRequest, runId: string): Promise<Submitted> {
  await db.query(
    `insert into rotor.joined_requests (idempotency_key, run_id, request_fingerprint, person)
     values ($1, $2, $3, $4)`,
    [request.idempotencyKey, runId, fingerprintOf(request), request.requestedPerson ?? null],
  );
  const left = request.kind === 'compromise' ? await livesOn(db, runId) : [];
  return { runId, submission: 'joined', ...(left.length > 0 ? { livesOn: left } : {}) };
}

/** Under the secret's lock, so that it is true of the run. Containing is never held up by a question. */
async function refuseUnknownDependents(
  db: Queryable,
  secretId: string,
  { kind, options }: RunRequest,
): Promise<void> {
  if (kind === 'compromise' || options.noDependentsKnown === true) return;
  const { rows } = await db.query(
    'select 1 from rotor.dependencies where secret_id = $1 and retired_at is null limit 1',
    [secretId],
  );
  if (rows.length > 0) return;
  throw new RotorError('no-dependents-known', 'nobody is declared to use this secret', {
    kind: 'conflict',
    hint: 'declare who uses it, or say --no-dependents-known',
  });
}

interface Insertion {
  readonly request: RunRequest;
  readonly secretId: string;
  readonly place: Extract<Place, { kind: 'new' }>;
  readonly claimant: string;
}

async function insertRun(db: Queryable, insertion: Insertion): Promise<string> {
  const { request, secretId, place, claimant } = insertion;
  const runId = randomUUID();
  await db.query(
    `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, options,
       idempotency_key, request_fingerprint, supersedes, claimed_by, requested_person, claimed_until)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
       clock_timestamp() + make_interval(secs => ${claimSeconds}))`,
    [
      runId,
      secretId,
      request.kind,
      place.state,
      request.requestedBy,
      request.reason,
      place.options,
      request.idempotencyKey,
      fingerprintOf(request),
      place.supersedes ?? null,
      claimant,
      request.requestedPerson ?? null,
    ],
  );
  return runId;
}

interface Noted extends Omit<Insertion, 'claimant'> {
  readonly runId: string;
}

async function noteRequest(audit: AuditTrail, db: Queryable, noted: Noted): Promise<void> {
  const { request, secretId, place, runId } = noted;
  const { kind, reason, requestedBy } = request;
  const { options } = place;
  const event = { change: 'run-requested', kind, reason, options, supersedes: place.supersedes };
  await audit.append(db, secretId, [{ actor: requestedBy, runId, event }]);
}

/** Containing waits for nobody; where others would have to approve, somebody signs off afterwards. */
async function noteBreakGlass(
  db: Queryable,
  { request, secretId, runId }: Pick<Noted, 'request' | 'secretId' | 'runId'>,
): Promise<void> {
  const { rows } = await db.query(
    `select 1 from rotor.secrets s join rotor.policies p on p.id = s.policy_id
     where s.id = $1 and exists (select from jsonb_array_elements(p.policy->'approvals') a
       where s.labels @> (a->'labels'))`,
    [secretId],
  );
  if (rows.length === 0) return;
  const message = `run ${shortId(runId)} is a compromise that nobody approved, asked for by ${request.requestedBy}: ${request.reason}`;
  await writeFinding(db, secretId, { code: 'unreviewed-break-glass', about: runId, message });
}

/** Whoever leaked is given no new value, whichever run the request came to. */
async function exclude(
  db: Queryable,
  audit: AuditTrail,
  { request, secretId, runId }: Pick<Noted, 'request' | 'secretId' | 'runId'>,
): Promise<void> {
  const { requestedBy: by, reason, options } = request;
  const names = options.excluded ?? [];
  if (names.length > 0) await withholdExcluded(db, audit, { secretId, runId, by, reason, names });
}

const startable = `
  select r.id as "runId", r.secret_id as "secretId", r.kind, o.name as organization,
    s.name as secret, s.owner, r.supersedes is not null as "takesOver"
  from rotor.runs r join rotor.secrets s on s.id = r.secret_id
  join rotor.organizations o on o.id = s.organization_id`;

/** The run, for the caller who submitted it and therefore holds its claim. */
export async function claimedRun(
  db: Queryable,
  runId: string,
  claimant: string,
): Promise<StartableRun | undefined> {
  const { rows } = await db.query<StartableRun>(
    `${startable} where r.id = $1 and r.claimed_by = $2 and r.state = 'requested'`,
    [runId, claimant],
  );
  return rows[0];
}

/** Claims runs that nobody started: their caller died, or the secret has just become free. */
export async function claimUnstarted(db: Queryable, claimant: string): Promise<StartableRun[]> {
  const { rows } = await db.query<StartableRun>(
    `with claimed as (
       update rotor.runs set claimed_by = $1,
         claimed_until = clock_timestamp() + make_interval(secs => ${claimSeconds})
       where state = 'requested' and claimed_until < clock_timestamp() returning id)
     ${startable} where r.id in (select id from claimed)`,
    [claimant],
  );
  return rows;
}

/**
 * Runs with decisions that no step has read yet, not signalled in the last seconds. A pause is not read
 * while it lasts: a run that says it is paused knows.
 */
export async function unreadRuns(db: Queryable): Promise<{ secretId: string }[]> {
  const { rows } = await db.query<{ secretId: string }>(
    `with due as (
       update rotor.decisions d set signalled_at = clock_timestamp() from rotor.runs r
       where r.id = d.run_id and r.state = 'running' and not d.read
         and coalesce(d.signalled_at, d.decided_at) < clock_timestamp() - interval '5 seconds'
         and not (d.kind = 'pause' and r.waits_code is not distinct from 'paused')
       returning r.secret_id)
     select distinct secret_id as "secretId" from due`,
  );
  return rows;
}

/**
 * Open runs that nobody has looked after for a minute: their workflow should be there. Where it is not
 * (Temporal lost it, or it failed), it is started again, and plans from the facts.
 */
export async function claimRunning(db: Queryable, claimant: string): Promise<StartableRun[]> {
  const { rows } = await db.query<StartableRun>(
    `with claimed as (
       update rotor.runs set claimed_by = $1, claimed_until = clock_timestamp() + interval '1 minute'
       where id in (select id from rotor.runs
         where state = 'running' and claimed_until < clock_timestamp() limit 50 for update skip locked)
       returning id)
     ${startable} where r.id in (select id from claimed)`,
    [claimant],
  );
  return rows;
}
