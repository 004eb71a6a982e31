/** The alarm of a rotation that is overdue: raised and closed by the facts, without any help of Temporal. */
import type pg from 'pg';
import type { FindingCode } from '../../domain/finding.js';
import type { ScheduledSecret } from './schedules.js';
import { inTransaction } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { closeFindings, writeFinding } from './findings.js';

interface Parts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
}

const code: FindingCode = 'rotation-overdue';
const about = 'schedule';

/** Undefined: it is not, any more. */
export async function noteOverdue(
  { pool, audit }: Parts,
  secret: ScheduledSecret,
  since: Date | undefined,
): Promise<void> {
  const { secretId } = secret;
  await inTransaction(pool, async (db) => {
    await db.query('select 1 from rotor.secrets where id = $1 for update', [secretId]);
    if (since === undefined) {
      return closeFindings(db, secretId, { code, abouts: [about] });
    }
    const finding = { code, about, message: messageOf(secret, since) };
    await writeFinding(db, secretId, finding);
    await audit.append(db, secretId, [{ actor: 'rotor', event: { change: 'found', finding } }]);
  });
}

function messageOf({ paused, pausedInTemporal, known }: ScheduledSecret, since: Date): string {
  const last = known.find(({ state }) => state !== 'skipped');
  const why =
    paused !== undefined
      ? `paused by ${paused.by}: ${paused.reason}`
      : pausedInTemporal !== undefined
        ? `paused in Temporal: ${pausedInTemporal}`
        : last === undefined
          ? 'no slot of it was ever started'
          : `its last slot, ${last.slot}, was ${last.state}: ${last.reason}`;
  return `it should have rotated at ${since.toISOString()}, and did not; ${why}`;
}
