/** Routes about what only people can do: what waits for whom, a link that shows a value, and what they say of it. */
import { findTask, listTasks } from '../../infra/registry/task-views.js';
import type { Row } from '../../infra/registry/views.js';
import { checkQuery, TasksQuery } from '../../schemas/questions.js';
import { TaskConfirmBody, TaskDeclineBody, TaskLinkBody } from '../../schemas/requests.js';
import { handOverPath } from '../hand-over.js';
import type { ApiParts } from '../parts.js';
import { route, type Call, type Route } from '../route.js';

const one = '/v1/tasks/:task';

export function taskRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/tasks',
      right: 'read',
      handle: ({ query, by }) => {
        const { all = false } = checkQuery(TasksQuery, query);
        return listTasks(parts.pool, { organization: by.organization, all });
      },
    }),
    route({
      method: 'GET',
      url: one,
      right: 'read',
      handle: (call) => taskOf(parts, call),
    }),
    route({
      method: 'POST',
      url: `${one}/link`,
      right: 'disclose',
      body: TaskLinkBody,
      handle: (call) => link(parts, call),
    }),
    route({
      method: 'POST',
      url: `${one}/confirm`,
      right: 'operate',
      body: TaskConfirmBody,
      handle: (call) => say(parts, call, { word: 'confirmed', note: call.body.note }),
    }),
    route({
      method: 'POST',
      url: `${one}/decline`,
      right: 'operate',
      body: TaskDeclineBody,
      handle: (call) => say(parts, call, { word: 'declined', note: call.body.reason }),
    }),
  ];
}

function taskOf({ pool }: ApiParts, { params, by }: Call<unknown>): Promise<Row> {
  return findTask(pool, params['task'] ?? '', by.organization);
}

/** The token stands behind the #: no browser sends it, so that no log on the way has it. */
async function link(parts: ApiParts, call: Call<TaskLinkBody>): Promise<unknown> {
  const task = await taskOf(parts, call);
  const taskId = String(task['task']);
  const { validFor: validForMs } = call.body;
  const { token, expiresAt, url } = await parts.tasks.link({
    taskId,
    validForMs,
    by: call.by.name,
  });
  const path = `${handOverPath}#${token}`;
  return { ...task, link: url === undefined ? path : new URL(path, url).href, expiresAt };
}

async function say(
  parts: ApiParts,
  call: Call<unknown>,
  said: { readonly word: 'confirmed' | 'declined'; readonly note: string | undefined },
): Promise<unknown> {
  const task = await taskOf(parts, call);
  await parts.tasks.say({ taskId: String(task['task']), ...said, by: call.by.name });
  return { ...task, state: said.word };
}
