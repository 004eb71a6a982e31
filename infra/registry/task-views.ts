/** Tasks as people ask to see them. Reads only, and never a link or a value. */
import { RotorError } from '../../domain/errors.js';
import type { Queryable } from '../postgres.js';
import { findByShortId } from './short-id.js';
import { taskWithSubject } from './task-rows.js';
import type { Row } from './views.js';

const columns = `
  k.id as task, k.kind, k.state, o.name as organization, o.name || '/' || s.name as secret,
  t.name as dependent, e.identity as place, 'v' || v.ordinal as version, k.run_id as run, k.urgent,
  k.assignment->>'assignee' as assignee, k.assignment->>'instructions' as instructions,
  coalesce(k.assignment->>'escalateTo', d.owner) as "escalateTo", k.opened_at as opened,
  k.due_at as due, k.state = 'open' and k.due_at <= clock_timestamp() as overdue,
  k.fetched_at as fetched, k.settled_at as settled, k.settled_by as "settledBy", k.note
  from ${taskWithSubject}
  join rotor.secrets s on s.id = k.secret_id
  join rotor.organizations o on o.id = s.organization_id`;

export interface TasksAsked {
  /** Undefined: of all of them. */
  readonly organization: string | undefined;
  /** Also those that are settled, the newest 200. */
  readonly all: boolean;
}

/** All that are open, what is due first; then the newest that are settled. */
export async function listTasks(
  db: Queryable,
  { organization, all }: TasksAsked,
): Promise<readonly Row[]> {
  const { rows } = await db.query<Row>(
    `select * from (
       (select ${columns} where ($1::text is null or o.name = $1) and k.state = 'open')
       union all
       (select ${columns} where ($1::text is null or o.name = $1) and k.state <> 'open' and $2
        order by k.opened_at desc limit 200)) shown
     order by shown.state = 'open' desc, shown.due`,
    [organization ?? null, all],
  );
  return rows;
}

/** What is waited for, for whoever looks at the secret; or all that one run asked. */
export async function tasksOf(
  db: Queryable,
  { secretId, runId }: { readonly secretId: string; readonly runId?: string },
): Promise<readonly Row[]> {
  const { rows } = await db.query<Row>(
    `select ${columns} where k.secret_id = $1
       and case when $2::uuid is null then k.state = 'open' else k.run_id = $2 end order by k.due_at`,
    [secretId, runId ?? null],
  );
  return rows;
}

/** Another organization's is missing in the same words: whoever guesses an id learns nothing. */
export async function findTask(
  db: Queryable,
  task: string,
  organization: string | undefined,
): Promise<Row> {
  const text = `select ${columns} where k.id between $1 and $2 and ($3::text is null or o.name = $3)`;
  const found = await findByShortId<Row>(db, text, [task, organization ?? null]);
  if (found !== undefined) return found;
  throw new RotorError('no-such-task', 'there is no such task', {
    kind: 'missing',
    hint: 'rotor tasks list shows them',
  });
}
