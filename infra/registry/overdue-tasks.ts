/** The finding of a task that is overdue, also where no run waits for it and no route tells anybody. */
import type pg from 'pg';
import { taskTold, type TaskSubject } from '../../domain/task.js';
import { inTransaction } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import { writeFinding } from './findings.js';
import { taskWithSubject } from './task-rows.js';

interface Parts {
  readonly pool: pg.Pool;
  readonly audit: AuditTrail;
}

interface Overdue extends TaskSubject {
  readonly id: string;
  readonly secret_id: string;
  readonly version_id: string;
  readonly due_at: Date;
}

const overdueTasks = `
select k.id, k.secret_id, k.version_id, k.kind, k.due_at, k.assignment->>'assignee' as assignee,
  v.ordinal, o.name || '/' || s.name as secret, t.name as dependent, e.identity as place
from ${taskWithSubject}
  join rotor.secrets s on s.id = k.secret_id
  join rotor.organizations o on o.id = s.organization_id
where k.state = 'open' and k.due_at <= clock_timestamp()
  and not exists (select from rotor.findings f where f.secret_id = k.secret_id
    and f.code = 'task-overdue' and f.about = k.id::text and f.closed_at is null)
limit 100`;

/** It closes with the task. */
export async function noteOverdueTasks({ pool, audit }: Parts): Promise<void> {
  const { rows } = await pool.query<Overdue>(overdueTasks);
  for (const task of rows) await note({ pool, audit }, task);
}

/** Under the lock of whoever settles it: a settled one is not found. */
async function note({ pool, audit }: Parts, task: Overdue): Promise<void> {
  const { id, secret_id: secretId, version_id: versionId } = task;
  const message = `due since ${task.due_at.toISOString()}: ${taskTold(task)}`;
  await inTransaction(pool, async (db) => {
    await db.query('select 1 from rotor.secrets where id = $1 for update', [secretId]);
    const { rows } = await db.query(`select 1 from rotor.tasks where id = $1 and state = 'open'`, [
      id,
    ]);
    if (rows.length === 0) return;
    const finding = { code: 'task-overdue', about: id, message, versionId } as const;
    await writeFinding(db, secretId, finding);
    await audit.append(db, secretId, [{ actor: 'rotor', event: { change: 'found', finding } }]);
  });
}
