/** Rows of tasks, as runs open and close them. */
import type { Change } from '../../domain/change.js';
import type { Facts } from '../../domain/facts.js';
import type { Queryable } from '../postgres.js';
import { one } from './one-row.js';

/** Tasks `k` with their version `v`, dependency `d`, dependent `t` and destination `e`. */
export const taskWithSubject = `rotor.tasks k join rotor.versions v on v.id = k.version_id
  join rotor.dependencies d on d.id = k.dependency_id
  join rotor.dependents t on t.id = d.dependent_id
  join rotor.destinations e on e.id = d.destination_id`;

/** With what is declared now: who does it has to know what they were asked. */
export function openTask(
  db: Queryable,
  change: Extract<Change, { change: 'task-opened' }>,
  { run, secret }: Facts,
): Promise<void> {
  const { kind, dependencyId, versionId, urgent, dueAt } = change;
  return one(
    db,
    `insert into rotor.tasks (kind, secret_id, dependency_id, version_id, run_id, urgent, due_at,
       assignment)
     select $1, $2, d.id, $4, $5, $6, $7, d.assignment from rotor.dependencies d where d.id = $3`,
    [
      kind,
      secret.secretId,
      dependencyId,
      versionId,
      kind === 'enter' ? run.runId : null,
      urgent,
      dueAt,
    ],
  );
}

export async function closeTask(
  db: Queryable,
  { taskId, note }: Extract<Change, { change: 'task-closed' }>,
): Promise<void> {
  await db.query(
    `update rotor.tasks set state = 'closed', settled_at = clock_timestamp(), settled_by = 'rotor',
       note = $2 where id = $1 and state = 'open'`,
    [taskId, note],
  );
}
