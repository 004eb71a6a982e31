/** What was contained while rotor was down becomes runs by the one door, with a trail and a finding that stays until they have ended. */
import type pg from 'pg';
import type { Containment, DirectRequest } from '../../domain/direct.js';
import { RotorError } from '../../domain/errors.js';
import { shortId } from '../../domain/told-id.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { writeFinding } from './findings.js';
import { noteInstallation } from './installation-trail.js';
import { submitIn, type Submitted } from './requests.js';

interface Door {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
  readonly claimant: string;
}

export type Taken = Submitted | { readonly refused: string };

/** Once: the same containments again are the same run, with nothing added. */
export async function takeUp(door: Door, request: DirectRequest): Promise<Taken> {
  try {
    return await inTransaction(door.pool, (db) => takeUpIn(db, door, request));
  } catch (error) {
    if (!(error instanceof RotorError) || !isFinal(error)) throw error;
    await inTransaction(door.pool, (db) => noteRefused(db, door, { request, code: error.code }));
    return { refused: error.code };
  }
}

/** The secret is no longer there, or a longer journal of the same was taken up: trying again gives the same. */
function isFinal({ code }: RotorError): boolean {
  return code === 'no-such-secret' || code === 'idempotency-key-reused';
}

async function takeUpIn(
  db: Queryable,
  { audit, claimant }: Door,
  request: DirectRequest,
): Promise<Submitted> {
  const { organization, secret, secretId, actor, by, reason, options, idempotencyKey } = request;
  const submitted = await submitIn(
    { db, audit },
    {
      ...{ organization, secret, reason, options, idempotencyKey },
      kind: 'compromise',
      requestedBy: actor,
      // Only to refuse them: nobody has proven to be this person.
      requestedPerson: by,
    },
    claimant,
  );
  const { runId, submission } = submitted;
  if (submission === 'repeated') return submitted;
  const event = eventOf(request);
  await audit.append(db, secretId, [{ actor, runId, event }]);
  const message = `${countOf(request.containments)} by ${actor}: ${reason}; run ${shortId(runId)} replaces it`;
  await writeFinding(db, secretId, {
    code: 'contained-directly',
    about: runId,
    message,
    evidence: event,
  });
  return submitted;
}

function eventOf({ containments }: DirectRequest): { change: string; containments: object[] } {
  const told = containments.map(({ containmentId, begunAt, credentials, ...one }) => ({
    ...{ containmentId, begunAt, credentials },
    ...{ by: one.by, account: one.account, host: one.host, reason: one.reason },
  }));
  return { change: 'contained-directly', containments: told };
}

function countOf(containments: readonly Containment[]): string {
  const outcomes = new Map(
    containments.flatMap(({ credentials }) =>
      credentials.map(({ credentialId, outcome }) => [credentialId, outcome] as const),
    ),
  );
  const gone = [...outcomes.values()].filter((outcome) => outcome === 'gone').length;
  return `${gone} of ${outcomes.size} credentials were revoked while rotor was down,`;
}

/** Nothing is left to replace, or nothing that may be: it is on record all the same, once. */
async function noteRefused(
  db: Queryable,
  { audit }: Door,
  { request, code }: { readonly request: DirectRequest; readonly code: string },
): Promise<void> {
  const { idempotencyKey: key, organization, secret, actor } = request;
  const { rows } = await db.query(
    `select from rotor.audit a join rotor.installation i on i.id = a.chain_id where a.event->>'key' = $1`,
    [key],
  );
  if (rows.length > 0) return;
  const event = { ...eventOf(request), secret: `${organization}/${secret}`, key, refused: code };
  await noteInstallation({ audit }, db, { actor, event });
}

/** A run that was taken over has ended once nothing of the secret is open any more. */
export async function closeContained(pool: pg.Pool): Promise<void> {
  await pool.query(
    `update rotor.findings f set closed_at = clock_timestamp() from rotor.runs r
     where f.code = 'contained-directly' and f.closed_at is null and r.id::text = f.about
       and r.state = 'ended' and (r.outcome <> 'superseded' or not exists (select from rotor.runs o
         where o.secret_id = r.secret_id and o.state <> 'ended'))`,
  );
}
