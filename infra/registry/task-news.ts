/** Tells people of their tasks: at once, again while they wait, and others too once they are due. Their rows are the outbox. */
import type { EventDraft } from '../../domain/event.js';
import type { Labels } from '../../domain/labels.js';
import { taskTold, type TaskKind } from '../../domain/task.js';
import { shortId } from '../../domain/told-id.js';
import type { Queryable } from '../postgres.js';
import { taskWithSubject } from './task-rows.js';

const mostAtOnce = 200;

/** The next time is set with this one: whoever dies in between has told nobody, and nothing is set. */
const takeTasks = `
with due as (
  select id from rotor.tasks where state = 'open' and tell_at <= clock_timestamp()
  order by tell_at limit ${mostAtOnce} for update skip locked)
update rotor.tasks u set told = u.told + 1,
  tell_at = case when u.due_at > clock_timestamp() then least(u.due_at, n.next) else n.next end
from due join (${taskWithSubject}) on k.id = due.id
  cross join lateral (select clock_timestamp()
    + make_interval(secs => (k.assignment->>'remindEveryMs')::float8 / 1000) as next) n
  join rotor.secrets s on s.id = k.secret_id
  join rotor.organizations o on o.id = s.organization_id
where u.id = due.id
returning u.id, u.kind, u.run_id, u.urgent, u.told, u.due_at, u.due_at <= clock_timestamp() as overdue,
  u.assignment->>'assignee' as assignee, coalesce(u.assignment->>'escalateTo', d.owner) as deputy,
  t.name as dependent, e.identity as place, v.ordinal, s.id as secret_id, o.name as organization, s.name, s.labels`;

interface DueTask {
  readonly id: string;
  readonly kind: TaskKind;
  readonly run_id: string | null;
  readonly urgent: boolean;
  readonly told: number;
  readonly due_at: Date;
  readonly overdue: boolean;
  readonly assignee: string;
  /** Told too, once it is due. */
  readonly deputy: string;
  readonly dependent: string;
  readonly place: string;
  readonly ordinal: number;
  readonly secret_id: string;
  readonly organization: string;
  readonly name: string;
  readonly labels: Labels;
}

export async function dueTasks(db: Queryable): Promise<EventDraft[]> {
  const { rows } = await db.query<DueTask>(takeTasks);
  return rows.flatMap((task) => {
    const people = task.overdue ? [task.assignee, task.deputy] : [task.assignee];
    return [...new Set(people)].map((person) => draftFor(task, person));
  });
}

/** Whom it is for is its owner: that is how a route is found for them. No link, and no value. */
function draftFor(task: DueTask, person: string): EventDraft {
  const { id, run_id, urgent, overdue, told, organization, name, labels } = task;
  return {
    kind: 'task',
    severity: urgent ? 'critical' : 'warning',
    code: overdue ? 'task-overdue' : 'task-open',
    message: messageOf(task),
    runId: run_id ?? undefined,
    sameness: `task ${id} ${told} ${person}`,
    subject: { secretId: task.secret_id, organization, name, owner: person, labels },
  };
}

function messageOf(task: DueTask): string {
  const what = taskTold({ ...task, secret: `${task.organization}/${task.name}` });
  const until = `${task.overdue ? 'it was due' : 'it is due'} ${task.due_at.toISOString()}`;
  const haste = task.urgent ? 'urgent: ' : '';
  return `${haste}${what}; ${until}; rotor tasks show ${shortId(task.id)}`;
}
