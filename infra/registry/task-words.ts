/** What people say of a task: that it is done, or that they do not do it. Facts, bound to one version. */
import { wasShown } from '../../domain/asking.js';
import { RotorError } from '../../domain/errors.js';
import { shortId } from '../../domain/told-id.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { SayingParts } from './locked-run.js';
import { lockTask, type LockedTask } from './locked-task.js';

export interface TaskWord {
  readonly taskId: string;
  readonly word: 'confirmed' | 'declined';
  /** Why, where it is declined. */
  readonly note: string | undefined;
  readonly by: string;
}

/** The secret whose run has to be told. */
export async function recordTaskWord(
  { pool, audit, traitsOf }: SayingParts,
  { taskId, word, note, by }: TaskWord,
): Promise<string> {
  return inTransaction(pool, async (db) => {
    const locked = await lockTask(db, traitsOf, taskId);
    refuseSettled(locked);
    if (word === 'confirmed') refuseUnseen(locked);
    await db.query(
      `update rotor.tasks set state = $2, settled_at = clock_timestamp(), settled_by = $3, note = $4
       where id = $1`,
      [taskId, word, by, note ?? null],
    );
    const { secretId, runId, kind, dependencyId, versionId } = locked;
    const change = `task-${word}`;
    const event = { change, taskId, kind, dependencyId, versionId, note: note ?? null };
    await audit.append(db, secretId, [{ actor: by, runId, event }]);
    return secretId;
  });
}

/** Runs that have not heard what was said, not signalled in the last seconds; one that is paused hears it later. */
export async function unheardRuns(db: Queryable): Promise<{ secretId: string }[]> {
  const { rows } = await db.query<{ secretId: string }>(
    `with due as (
       update rotor.tasks k set signalled_at = clock_timestamp() from rotor.runs r
       where r.id = k.run_id and r.state = 'running' and not k.heard
         and k.state in ('confirmed', 'declined')
         and coalesce(k.signalled_at, k.settled_at) < clock_timestamp() - interval '10 seconds'
         and r.waits_code is distinct from 'paused'
       returning k.secret_id)
     select distinct secret_id as "secretId" from due`,
  );
  return rows;
}

function refuseSettled({ state, settledBy }: LockedTask): void {
  if (state === 'open') return;
  const hint = 'rotor tasks list shows what waits now';
  const message =
    state === 'closed'
      ? 'nobody has to do this any more: what is said of it counts for no other version'
      : `it was ${state} already, by ${settledBy ?? ''}`;
  throw new RotorError('task-settled', message, { kind: 'conflict', hint });
}

/** Going back, they may still have it: whoever was never given the next value has changed nothing. */
function refuseUnseen({ kind, facts, dependencyId, versionId, taskId }: LockedTask): void {
  if (kind === 'remove' || facts.run.plan?.direction === 'back') return;
  if (wasShown(facts, dependencyId, versionId)) return;
  throw new RotorError('value-not-shown', 'nobody has seen this value, so nobody has typed it in', {
    kind: 'conflict',
    hint: `rotor tasks link ${shortId(taskId)} makes a link that shows it`,
  });
}
