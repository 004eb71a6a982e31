/** The audit chain of what belongs to no secret: access tokens, organizations, policies, dependents. */
import type pg from 'pg';
import type { Queryable } from '../postgres.js';
import type { AuditEvent, AuditTrail } from './audit.js';

export interface TrailParts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
}

/** Taken last, after every row: whoever holds it waits for nobody. */
export async function noteInstallation(
  { audit }: Pick<TrailParts, 'audit'>,
  db: Queryable,
  event: AuditEvent,
): Promise<void> {
  const { rows } = await db.query<{ id: string }>(
    `select id, pg_advisory_xact_lock(hashtext('rotor.installation')) from rotor.installation`,
  );
  await audit.append(db, rows[0]?.id ?? '', [event]);
}
