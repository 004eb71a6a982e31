/** An installation whose database was set back: noticed in one place, left in one place, both in the trail. */
import type pg from 'pg';
import type { RecoveryBook, RecoveryOrder, RunsEnded } from '../../domain/recovery.js';
import { shortId } from '../../domain/told-id.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { closeFindings, writeFinding } from './findings.js';
import { endRun } from './run-end.js';
import { noteInstallation, type TrailParts } from './installation-trail.js';

export interface RecoveryState {
  readonly recovering: boolean;
  readonly since: Date | null;
  readonly cause: string | null;
}

export async function recoveryState(db: Queryable): Promise<RecoveryState> {
  const { rows } = await db.query<RecoveryState>(
    `select recovering, recovering_since as since, recovering_cause as cause
     from rotor.installation`,
  );
  return rows[0] ?? { recovering: false, since: null, cause: null };
}

export function openRecoveryBook(parts: TrailParts): RecoveryBook {
  return {
    noticeSetBack: (cause) => noticeSetBack(parts, cause),
    begin: (order) => begin(parts, order),
    endRuns: (order) => endRuns(parts, order),
    end: (order, counts) => end(parts, order, counts),
  };
}

interface Noticing {
  readonly actor: string;
  /** Undefined: just now. */
  readonly since?: string | undefined;
}

export async function noticeSetBack(
  { pool, audit }: TrailParts,
  cause: string,
  { actor, since }: Noticing = { actor: 'rotor' },
): Promise<void> {
  await inTransaction(pool, async (db) => {
    const { rowCount } = await db.query(
      `update rotor.installation set recovering = true, recovering_cause = $1,
         recovering_since = coalesce($2, clock_timestamp()) where not recovering`,
      [cause, since ?? null],
    );
    if (rowCount === 0) return;
    const message = `the database was set back, and nothing is revoked or swept: ${cause}`;
    await writeFinding(db, null, { code: 'recovering', about: 'installation', message });
    await noteInstallation({ audit }, db, { actor, event: { change: 'recovering-began', cause } });
  });
}

async function begin(parts: TrailParts, order: RecoveryOrder): Promise<void> {
  const { by, reason, without, setBackAt } = order;
  await noticeSetBack(parts, `${by} says so: ${reason}`, { actor: by, since: setBackAt });
  const event = { change: 'recovery-asked', reason, without };
  await inTransaction(parts.pool, (db) => noteInstallation(parts, db, { actor: by, event }));
}

interface OpenRun {
  readonly id: string;
  readonly secret_id: string;
  readonly secret: string;
  readonly kind: string;
  readonly reason: string;
  readonly since: boolean;
}

/** What was asked for once the set-back was noticed is no part of the backup. */
async function endRuns(
  parts: TrailParts,
  { dryRun, by, setBackAt }: RecoveryOrder,
): Promise<RunsEnded> {
  const { rows } = await parts.pool.query<OpenRun>(
    `select r.id, r.secret_id, o.name || '/' || s.name as secret, r.kind, r.reason,
       r.requested_at >= coalesce(i.recovering_since, $1) as since
     from rotor.runs r join rotor.secrets s on s.id = r.secret_id
     join rotor.organizations o on o.id = s.organization_id cross join rotor.installation i
     where r.state <> 'ended' order by r.requested_at`,
    [setBackAt ?? null],
  );
  const ended = rows.filter(({ since }) => !since);
  if (!dryRun) for (const run of ended) await endFromBackup(parts, run, by);
  return {
    goingOn: rows.filter(({ since }) => since).map(({ id }) => id),
    rows: ended.map(({ id, secret, kind }) => ({
      secret,
      what: 'run-ended' as const,
      about: id,
      told: `the ${kind} that was under way in the backup: ask again where it is still wanted`,
    })),
  };
}

/** Superseded: whatever of it still goes on is refused from now on. A leak that may not be contained stays in sight. */
async function endFromBackup({ pool, audit }: TrailParts, run: OpenRun, by: string): Promise<void> {
  const { id, secret_id: secretId, kind, reason } = run;
  await inTransaction(pool, async (db) => {
    await db.query('select 1 from rotor.secrets where id = $1 for update', [secretId]);
    if (!(await endRun(db, id, 'superseded'))) return;
    const event = { change: 'run-ended', outcome: 'superseded', because: 'set back' };
    await audit.append(db, secretId, [{ actor: by, runId: id, event }]);
    if (kind !== 'compromise') return;
    const message = `the compromise ${shortId(id)} (${reason}) was under way in the backup, and ended with the recovery`;
    const finding = { code: 'compromise-unfinished', about: id, message } as const;
    await writeFinding(db, secretId, finding);
    await audit.append(db, secretId, [{ actor: 'rotor', event: { change: 'found', finding } }]);
  });
}

/** Whoever remembers more of the database than there is now knows from its new life that this is over. */
async function end(
  { pool, audit }: TrailParts,
  { by, reason, without }: RecoveryOrder,
  counts: Readonly<Record<string, number>>,
): Promise<readonly string[]> {
  return inTransaction(pool, async (db) => {
    await db.query(
      `update rotor.pulse
       set life = greatest(life + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)`,
    );
    await db.query(
      `update rotor.installation set recovering = false, recovering_since = null,
         recovering_cause = null, recovered_at = clock_timestamp()`,
    );
    await closeFindings(db, null, { code: 'recovering', abouts: ['installation'] });
    const event = { change: 'recovered', reason, without, ...counts };
    await noteInstallation({ audit }, db, { actor: by, event });
    const { rows } = await db.query<{ id: string }>(
      `select distinct secret_id as id from rotor.runs where state <> 'ended'`,
    );
    return rows.map(({ id }) => id);
  });
}

/** How far a worker saw the database go; the life counts more. */
export interface Pulse {
  readonly installation: string;
  readonly life: number;
  readonly beat: number;
}

interface StoredPulse {
  readonly installation: string;
  readonly life: string;
  readonly beat: string;
}

/** Where the pulse is; it goes up as long as any worker lives. */
export async function heartbeat(
  db: Queryable,
): Promise<Pick<StoredPulse, 'life' | 'beat'> | undefined> {
  const { rows } = await db.query<StoredPulse>('select life, beat from rotor.pulse');
  return rows[0];
}

/** One beat more, and whether the database is older than what was seen of it. */
export async function nextPulse(
  pool: pg.Pool,
  seen: Pulse | undefined,
): Promise<{ readonly pulse: Pulse; readonly isSetBack: boolean }> {
  const { rows } = await pool.query<StoredPulse>(
    `update rotor.pulse set beat = beat + 1
     returning life, beat, (select id from rotor.installation) as installation`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a pulse has one row');
  const pulse = { ...row, life: Number(row.life), beat: Number(row.beat) };
  return { pulse, isSetBack: seen !== undefined && isOlder(pulse, seen) };
}

function isOlder(pulse: Pulse, seen: Pulse): boolean {
  if (pulse.installation !== seen.installation) return false;
  if (pulse.life !== seen.life) return pulse.life < seen.life;
  return pulse.beat <= seen.beat;
}
