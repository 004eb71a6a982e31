/** A run that is ended by its row alone, whatever its workflow does: whoever tells the news tells that too. */
import type { RunOutcome } from '../../domain/run.js';
import type { Queryable } from '../postgres.js';

/** Of a run: nothing holds it up any more, and nothing is promised. */
export const noWait =
  'waits_code = null, waits_told = null, waits_until = null, waits_promised = null, waits_held = false';

/** False where it had ended already. */
export async function endRun(db: Queryable, runId: string, outcome: RunOutcome): Promise<boolean> {
  const { rowCount } = await db.query(
    `update rotor.runs set state = 'ended', outcome = $2, ended_at = clock_timestamp(), end_untold = true,
       ${noWait}
     where id = $1 and state <> 'ended'`,
    [runId, outcome],
  );
  return rowCount !== 0;
}
