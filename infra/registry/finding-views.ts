/** Findings as people ask to see them, and the word of a person that one of them is known for a while. */
import type pg from 'pg';
import { RotorError } from '../../domain/errors.js';
import { muteProblem, type FindingCode, type Severity } from '../../domain/finding.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { noteInstallation } from './installation-trail.js';
import type { Row } from './views.js';
import { findByShortId } from './short-id.js';

export interface FindingsAsked {
  /** Undefined: all of them, and what belongs to the installation. */
  readonly organization: string | undefined;
  readonly severity?: Severity | undefined;
  readonly code?: FindingCode | undefined;
  /** Also what is muted, and what is closed. */
  readonly all?: boolean | undefined;
  /** The last one of the page before. */
  readonly after?: string | undefined;
}

export const findingsPage = 1_000;

/** The worst first, and of these the oldest. */
export async function listFindings(db: Queryable, asked: FindingsAsked): Promise<Row[]> {
  const { rows } = await db.query<Row>(
    `select f.id as finding, o.name || '/' || s.name as secret, s.owner, f.code, f.about, f.severity, f.message,
       'v' || v.ordinal as version, f.source, f.evidence, f.first_at as first, f.last_at as last,
       f.count::int as count, f.closed_at as closed,
       case when rotor.is_muted(f) then json_build_object('until', f.muted_until, 'by', f.muted_by,
         'reason', f.muted_reason) end as muted
     from rotor.findings f left join rotor.secrets s on s.id = f.secret_id
     left join rotor.organizations o on o.id = s.organization_id
     left join rotor.versions v on v.id = f.version_id
     where ($1::text is null or o.name = $1) and ($2::text is null or f.severity = $2)
       and ($3::text is null or f.code = $3) and ($4 or (f.closed_at is null and not rotor.is_muted(f)))
       and ($5::uuid is null or (-rotor.severity_rank(f.severity), f.first_at, f.id) >
         (select -rotor.severity_rank(a.severity), a.first_at, a.id from rotor.findings a where a.id = $5))
     order by -rotor.severity_rank(f.severity), f.first_at, f.id limit ${findingsPage}`,
    [
      asked.organization ?? null,
      asked.severity ?? null,
      asked.code ?? null,
      asked.all ?? false,
      asked.after ?? null,
    ],
  );
  return rows;
}

export interface MuteParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
}

export interface FindingNamed {
  /** Its id, or the first eight characters of it where they are enough. */
  readonly finding: string;
  /** Of this organization only. */
  readonly organization: string | undefined;
  readonly by: string;
}

export interface Mute {
  readonly until: Date;
  readonly reason: string;
}

/** It is shown again at the end of the mute, and at once where it gets worse. */
export async function muteFinding(
  parts: MuteParts,
  named: FindingNamed,
  { until, reason }: Mute,
): Promise<Row> {
  const problem = muteProblem(until, new Date());
  if (problem !== undefined) {
    throw new RotorError('mute-invalid', problem, {
      kind: 'invalid',
      hint: '--until 2026-12-31, a year from now at most',
    });
  }
  const event = { change: 'finding-muted', until, reason };
  return changeMute(parts, named, { event, until, reason });
}

export async function unmuteFinding(parts: MuteParts, named: FindingNamed): Promise<Row> {
  return changeMute(parts, named, { event: { change: 'finding-unmuted' } });
}

interface MuteChange extends Partial<Mute> {
  readonly event: object;
}

/** Whoever asked for it could otherwise keep it from being looked at. */
const reviewInstead = new RotorError('mute-invalid', 'this one is reviewed, not muted', {
  kind: 'conflict',
  hint: 'rotor review RUN --reason TEXT, by a person who did not ask for it',
});

async function changeMute(
  { pool, audit }: MuteParts,
  named: FindingNamed,
  { event, until, reason }: MuteChange,
): Promise<Row> {
  return inTransaction(pool, async (db) => {
    const found = await findFinding(db, named);
    if (until !== undefined && found['code'] === 'unreviewed-break-glass') throw reviewInstead;
    const secretId = found['secretId'];
    // Its lock is what the trail of the secret is added to under.
    if (typeof secretId === 'string')
      await db.query('select 1 from rotor.secrets where id = $1 for update', [secretId]);
    await db.query(
      `update rotor.findings set muted_until = $2::timestamptz, muted_by = $3, muted_reason = $4,
         muted_severity = case when $2::timestamptz is not null then severity end where id = $1`,
      [found['finding'], until ?? null, until === undefined ? null : named.by, reason ?? null],
    );
    const { code, about } = found;
    const entry = { actor: named.by, event: { ...event, finding: found['finding'], code, about } };
    if (typeof secretId === 'string') await audit.append(db, secretId, [entry]);
    else await noteInstallation({ audit }, db, entry);
    return { finding: found['finding'], code, until: until ?? null };
  });
}

async function findFinding(db: Queryable, { finding, organization }: FindingNamed): Promise<Row> {
  const only = await findByShortId<Row>(
    db,
    `select f.id as finding, f.secret_id as "secretId", f.code, f.about
     from rotor.findings f left join rotor.secrets s on s.id = f.secret_id
     left join rotor.organizations o on o.id = s.organization_id
     where f.id between $1 and $2 and ($3::text is null or o.name = $3)`,
    [finding, organization ?? null],
  );
  if (only !== undefined) return only;
  throw new RotorError('no-such-finding', `there is no finding ${finding}`, {
    kind: 'missing',
    hint: 'rotor findings --all shows them, with their ids',
  });
}
