/** The finding that the sweep itself is missing: written by whoever goes on without it. */
import type { SweepVerdict } from '../../domain/sweep/overdue.js';
import type { Queryable } from '../postgres.js';
import { closeFindings, writeFinding } from './findings.js';

const name = { code: 'sweep-overdue', about: 'installation' } as const;

/** Since when there is something to sweep, by the database's clock; undefined: nothing is declared. */
export async function sweptSince(
  db: Queryable,
): Promise<{ readonly since: Date | undefined; readonly now: Date }> {
  const { rows } = await db.query<{ since: Date | null; now: Date }>(
    `select min(created_at) as since, clock_timestamp() as now from rotor.secrets
     where retired_at is null`,
  );
  const [row] = rows;
  return { since: row?.since ?? undefined, now: row?.now ?? new Date(0) };
}

/** Every worker looks each minute: what is open is not found once more. */
export async function noteSweep(db: Queryable, verdict: SweepVerdict): Promise<void> {
  if (verdict === 'not-known-yet') return;
  if (verdict === 'fine') return closeFindings(db, null, { code: name.code, abouts: [name.about] });
  const { rows } = await db.query(
    `select from rotor.findings where code = $1 and about = $2 and closed_at is null`,
    [name.code, name.about],
  );
  if (rows.length === 0) await writeFinding(db, null, { ...name, message: verdict.overdue });
}
