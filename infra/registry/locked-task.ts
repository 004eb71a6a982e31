/** A task with its destination's and its secret's row locked, in that order, and the facts as they stay so. */
import { RotorError } from '../../domain/errors.js';
import type { Facts } from '../../domain/facts.js';
import type { TaskFacts, TaskKind, TaskState } from '../../domain/task.js';
import type { Queryable } from '../postgres.js';
import { imaginedRun } from './adoption.js';
import { readFacts, type TraitsOf } from './facts.js';

export interface LockedTask {
  readonly taskId: string;
  readonly secretId: string;
  readonly runId: string | undefined;
  readonly kind: TaskKind;
  readonly state: TaskState;
  readonly settledBy: string | undefined;
  readonly dependencyId: string;
  readonly versionId: string;
  readonly facts: Facts;
  /** Undefined where its version is dead and forgotten. */
  readonly task: TaskFacts | undefined;
}

interface Row {
  readonly secret_id: string;
  readonly run_id: string | null;
  readonly kind: TaskKind;
  readonly state: TaskState;
  readonly settled_by: string | null;
  readonly dependency_id: string;
  readonly version_id: string;
}

/** Nobody's run: who removes what is dead is waited for by none. */
const nobodyAsked = { kind: 'rotate', options: {}, by: 'rotor' } as const;

export async function lockTask(
  db: Queryable,
  traitsOf: TraitsOf,
  taskId: string,
): Promise<LockedTask> {
  await db.query(
    `select 1 from rotor.destinations e where e.id = (select d.destination_id from rotor.dependencies d
       join rotor.tasks k on k.dependency_id = d.id where k.id = $1) for update`,
    [taskId],
  );
  await db.query(
    `select 1 from rotor.secrets s where s.id = (select secret_id from rotor.tasks where id = $1)
     for update`,
    [taskId],
  );
  const { rows } = await db.query<Row>('select * from rotor.tasks where id = $1', [taskId]);
  const row = rows[0];
  if (row === undefined)
    throw new RotorError('no-such-task', 'there is no such task', { kind: 'missing' });
  const { secret_id: secretId, run_id: runId } = row;
  const of = runId === null ? { secretId, ...imaginedRun(nobodyAsked) } : { secretId, runId };
  const facts = await readFacts(db, traitsOf, of);
  if (facts === undefined)
    throw new RotorError('no-such-task', 'there is no such task', { kind: 'missing' });
  return {
    taskId,
    secretId,
    runId: runId ?? undefined,
    kind: row.kind,
    state: row.state,
    settledBy: row.settled_by ?? undefined,
    dependencyId: row.dependency_id,
    versionId: row.version_id,
    facts,
    task: facts.tasks.find((one) => one.taskId === taskId),
  };
}
