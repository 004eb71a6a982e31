/** An installation whose database was set back: noticed in one place, left in one place, both in the trail. */
import type pg from 'pg';
import type { RecoveredRow, RecoveryBook, RecoveryOrder } from '../../domain/recovery.js';
import { inTransaction, type Queryable } from '../postgres.js';
import { closeFindings, writeFinding } from './findings.js';
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

export async function noticeSetBack(
  { pool, audit }: TrailParts,
  cause: string,
  actor = 'rotor',
): Promise<void> {
  await inTransaction(pool, async (db) => {
    const { rowCount } = await db.query(
      `update rotor.installation set recovering = true, recovering_cause = $1,
         recovering_since = clock_timestamp() where not recovering`,
      [cause],
    );
    if (rowCount === 0) return;
    const message = `the database was set back, and nothing is revoked or swept: ${cause}`;
    await writeFinding(db, null, { code: 'recovering', about: 'installation', message });
    await noteInstallation({ audit }, db, { actor, event: { change: 'recovering-began', cause } });
  });
}

async function begin(parts: TrailParts, order: RecoveryOrder): Promise<void> {
  const { by, reason, without } = order;
  await noticeSetBack(parts, `${by} says so: ${reason}`, by);
  const event = { change: 'recovery-asked', reason, without };
  await inTransaction(parts.pool, (db) => noteInstallation(parts, db, { actor: by, event }));
}

interface OpenRun {
  readonly id: string;
  readonly secret_id: string;
  readonly secret: string;
  readonly kind: string;
}

async function endRuns(
  parts: TrailParts,
  { dryRun, by }: RecoveryOrder,
): Promise<readonly RecoveredRow[]> {
  const { rows } = await parts.pool.query<OpenRun>(
    `select r.id, r.secret_id, o.name || '/' || s.name as secret, r.kind
     from rotor.runs r join rotor.secrets s on s.id = r.secret_id
     join rotor.organizations o on o.id = s.organization_id
     where r.state <> 'ended' order by r.requested_at`,
  );
  if (!dryRun) for (const run of rows) await endRun(parts, run, by);
  return rows.map(({ id, secret, kind }) => ({
    secret,
    what: 'run-ended' as const,
    about: id,
    told: `the ${kind} that was under way in the backup: ask again where it is still wanted`,
  }));
}

/** Superseded: whatever of it still goes on is refused from now on. */
async function endRun({ pool, audit }: TrailParts, run: OpenRun, by: string): Promise<void> {
  await inTransaction(pool, async (db) => {
    await db.query('select 1 from rotor.secrets where id = $1 for update', [run.secret_id]);
    const { rowCount } = await db.query(
      `update rotor.runs set state = 'ended', outcome = 'superseded', ended_at = clock_timestamp()
       where id = $1 and state <> 'ended'`,
      [run.id],
    );
    if (rowCount === 0) return;
    const event = { change: 'run-ended', outcome: 'superseded', because: 'set back' };
    await audit.append(db, run.secret_id, [{ actor: by, runId: run.id, event }]);
  });
}

/** Whoever remembers more of the database than there is now knows from its new life that this is over. */
async function end(
  { pool, audit }: TrailParts,
  { by, reason, without }: RecoveryOrder,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  await inTransaction(pool, async (db) => {
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
