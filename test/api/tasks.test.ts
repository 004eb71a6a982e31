import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  eventually,
  openInstallation,
  quick,
  type Installation,
  type Row,
} from '../faults/installation.js';
import { openKillable, type Killable } from '../faults/killable.js';
import type { Rotor } from '../product/rotor.js';
import { openSession, type Session } from '../product/session.js';

let installation: Installation;
let api: Killable;
let worker: Killable;
let session: Session;
let rotor: Rotor;
let runId: string;
let admin: string;

const destination = {
  place: 'portal.partner.example',
  assignee: 'Ada Partner',
  instructions: 'Settings, API keys',
  dueWithin: '2d',
};

function declaration(name: string, clientId: string, more: Row = {}): Row {
  return {
    organization: 'acme',
    policies: [{ ...quick, name: 'by-hand', leastEvidence: 'human' }],
    dependents: [{ name: 'partner', owner: 'team' }],
    secrets: [
      {
        name,
        issuer: 'main',
        owner: 'team',
        policy: 'by-hand',
        specification: { role: 'Viewer', validity: '1d', clientId },
        dependencies: [{ dependent: 'partner', connector: 'human-task', destination, ...more }],
      },
    ],
  };
}

/** A first value, which nobody has yet. */
async function declared(name: string): Promise<void> {
  const client = { secretKey: name, name: `acme/${name}` };
  const { clientId } = await installation.authority<{ clientId: string }>('/clients', client);
  const place = { ...destination, place: `${name}.partner.example` };
  await installation.apply(declaration(name, clientId, { destination: place }));
}

async function asks(name: string): Promise<string> {
  const path = `/v1/secrets/acme/${name}/runs`;
  const body = { kind: 'rotate', reason: 'test' };
  return (await installation.api.post<{ runId: string }>(path, body)).runId;
}

async function taskOf(name: string): Promise<Row> {
  let found: Row | undefined;
  await eventually(async () => {
    const tasks = await installation.api.get<Row[]>('/v1/tasks');
    found = tasks.find((task) => task['secret'] === `acme/${name}`);
    return found !== undefined;
  });
  return found ?? {};
}

beforeAll(async () => {
  installation = await openInstallation();
  session = openSession(installation);
  ({ rotor } = session);
  api = openKillable(installation, 'api');
  worker = openKillable(installation, 'worker');
  await installation.ready();
  await declared('billing');
  runId = await asks('billing');
  admin = await tokenOf('admin');
});
afterAll(async () => {
  session.close();
  await installation.close();
});

async function pressed(token: string): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(`${installation.url}/hand-over`, {
    method: 'POST',
    headers: { 'user-agent': 'browser/1' },
    body: new URLSearchParams({ token }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function events(): Promise<{ actor: string; event: Row }[]> {
  const { rows } = await installation.database.pool.query<{ actor: string; event: Row }>(
    `select actor, event from rotor.audit where event->>'change' like 'link-%' order by at, seq`,
  );
  return rows;
}

async function tokenOf(role: string, more: Row = {}): Promise<string> {
  const name = `t-${randomUUID().slice(0, 8)}`;
  const body = { name, holder: 'person', role, validFor: '1h', ...more };
  return (await installation.api.post<{ token: string }>('/v1/tokens', body)).token;
}

/** Of what the command printed: where the page is, and what stands behind the #. */
function linkIn(out: string): [string, string] {
  const [page = '', token = ''] = (/http\S+/.exec(out)?.[0] ?? '').split('#');
  return [page, token];
}

/** Two at once: one is shown it. */
async function both(token: string): Promise<{ shown: string; refused: string }> {
  const answers = await Promise.all([pressed(token), pressed(token)]);
  const textOf = (status: number): string =>
    answers.find((answer) => answer.status === status)?.text ?? '';
  return { shown: textOf(200), refused: textOf(410) };
}

function valueIn(html: string): string {
  return /<pre>\n(.*)<\/pre>/s.exec(html)?.[1] ?? '';
}

let value = '';

test('a link shows the value once, to whoever presses the button; who comes later is refused, and both are on record', async () => {
  const task = await taskOf('billing');
  const id = String(task['task']).slice(0, 8);
  const made = await rotor(['tasks', 'link', id, '--valid-for', '1h']);
  expect(made).toMatchObject({ code: 0, err: '' });
  const [page, token] = linkIn(made.out);
  expect(page).toBe(`${installation.url}/hand-over`);
  for (let look = 0; look < 3; look += 1) {
    const preview = await fetch(`${page}#${token}`);
    expect(await preview.text()).not.toMatch(/cs_|rotor_task_/);
    expect(preview.headers.get('cache-control')).toBe('no-store');
  }
  expect(await events()).toMatchObject([{ event: { change: 'link-issued' } }]);
  const { shown, refused } = await both(token);
  value = valueIn(shown);
  expect(value).toMatch(/^\S{20,}$/);
  expect(refused).toContain('If that was not you, somebody else knows the value');
  expect(refused).not.toContain(value);
  // Once a minute it is on record; what comes meanwhile is counted.
  expect(await pressed(token)).toMatchObject({ status: 410, text: refused });
  await installation.database.pool.query(
    `update rotor.link_refusals set noted_at = noted_at - interval '1 minute'`,
  );
  expect(await pressed(token)).toMatchObject({ status: 410, text: refused });
  const from = { address: '127.0.0.1', userAgent: 'browser/1' };
  expect((await events()).slice(1)).toEqual([
    {
      actor: 'a link of first-admin',
      event: expect.objectContaining({ change: 'link-opened', from }),
    },
    {
      actor: 'a link of first-admin',
      event: expect.objectContaining({
        ...{ change: 'link-refused', why: 'opened-before', times: 1, from },
      }),
    },
    {
      actor: 'a link of first-admin',
      event: expect.objectContaining({ change: 'link-refused', times: 3 }),
    },
  ]);
});

test('no answer of the page is kept, told to others, framed, or runs what is not its own', async () => {
  const asking = await fetch(`${installation.url}/hand-over`);
  const answers = [asking.headers, (await pressed('rotor_task_wrong')).headers];
  for (const headers of answers) {
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
  }
});

test.each([
  ['no token', {}],
  ['another token', { token: 'rotor_task_wrong' }],
  ['a long one', { token: 'x'.repeat(3_000) }],
  ['two', 'token=a&token=b'],
])('%s shows nothing', async (_, said) => {
  const body = typeof said === 'string' ? said : new URLSearchParams(said).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await fetch(`${installation.url}/hand-over`, { method: 'POST', headers, body });
  expect(response.status).toBe(404);
  expect(await response.text()).not.toContain(value);
});

test('a new link kills the one before it; one that has expired shows nothing', async () => {
  const id = String((await taskOf('billing'))['task']);
  const make = async (validFor: string): Promise<string> => {
    const { link } = await installation.api.post<Row>(`/v1/tasks/${id}/link`, { validFor });
    return String(link).split('#')[1] ?? '';
  };
  const first = await make('1h');
  const second = await make('1ms');
  expect((await pressed(first)).text).toContain('there is a newer link');
  expect((await pressed(second)).text).toContain('its time is over');
});

test('whoever may not is refused: to see a value takes more than to rotate, to confirm more than to read', async () => {
  const id = String((await taskOf('billing'))['task']);
  const asked = async (word: string, token: string): Promise<unknown> => {
    const said = await rotor(['--json', 'tasks', ...word.split(' '), id], {
      env: { ROTOR_TOKEN: token, ROTOR_URL: installation.url },
    });
    return [said.code, (JSON.parse(said.err) as { error: Row }).error['code']];
  };
  expect(await asked('link', await tokenOf('operator'))).toEqual([3, 'not-allowed']);
  expect(await asked('confirm', await tokenOf('viewer'))).toEqual([3, 'not-allowed']);
  expect(await asked('decline --reason x', await tokenOf('approver'))).toEqual([3, 'not-allowed']);
  await installation.apply({ organization: 'other' });
  const others = await tokenOf('admin', { organization: 'other' });
  expect(await asked('link', others)).toEqual([4, 'no-such-task']);
  expect(await asked('confirm', others)).toEqual([4, 'no-such-task']);
});

test.each<[string, string, Row, number]>([
  ['a link without end', 'TASK/link', { validFor: '0' }, 422],
  ['a link of a month', 'TASK/link', { validFor: '30d' }, 422],
  ['a link for somebody', 'TASK/link', { to: 'ada' }, 422],
  ['a link of no task', 'ffffffff/link', {}, 404],
  ['what is no id', encodeURIComponent('../tokens') + '/confirm', {}, 404],
  ['a note that steers a terminal', 'TASK/confirm', { note: 'a\u001b[2J' }, 422],
  ['a note of nothing', 'TASK/confirm', { note: ' ' }, 422],
  ['no reason', 'TASK/decline', {}, 422],
  ['a reason that is a number', 'TASK/decline', { reason: 7 }, 422],
])('%s is refused', async (...[, path, body, status]) => {
  const id = String((await taskOf('billing'))['task']);
  const response = await fetch(`${installation.url}/v1/tasks/${path.replace('TASK', id)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(status);
});

test('lists, runs and secrets say who is waited for, and until when', async () => {
  const id = String((await taskOf('billing'))['task']).slice(0, 8);
  expect((await rotor(['tasks'])).out).toMatch(
    /Ada Partner\s+enter v1\s+acme\/billing\s+partner\s+open/,
  );
  expect((await rotor(['tasks', 'show', id])).out).toContain('how       Settings, API keys');
  const line = `Ada Partner is to type in v1 for partner, due in 48h, was shown the value (rotor tasks show ${id})`;
  expect((await rotor(['show', 'acme/billing'])).out).toContain(line);
  const { tasks } = await installation.api.get<{ tasks: Row[] }>(`/v1/runs/${runId}`);
  expect(tasks).toMatchObject([{ assignee: 'Ada Partner', version: 'v1', escalateTo: 'team' }]);
  const figures = await fetch(`${installation.url}/metrics`, {
    headers: { authorization: `Bearer ${await tokenOf('viewer')}` },
  });
  expect(await figures.text()).toContain('rotor_tasks_open{code="open"} 1');
});

test('an API that is killed (SIGKILL) as it burns a link has shown nobody the value; another link does', async () => {
  const id = String((await taskOf('billing'))['task']);
  const make = async (): Promise<string> => {
    const { link } = await installation.api.post<Row>(`/v1/tasks/${id}/link`, {});
    return String(link).split('#')[1] ?? '';
  };
  const burned = await make();
  const died = api.diesAt('hand-over:opened');
  await expect(pressed(burned)).rejects.toThrow();
  await died;
  api.start();
  await installation.ready();
  expect((await pressed(burned)).text).toContain('it was opened before');
  expect(valueIn((await pressed(await make())).text)).toBe(value);
});

test('a worker that is killed (SIGKILL) once the task is open leaves one task, which is waited for', async () => {
  await declared('killed');
  const died = worker.diesAt('update:answered');
  const killed = await asks('killed');
  await died;
  worker.start();
  const id = String((await taskOf('killed'))['task']);
  const { link } = await installation.api.post<Row>(`/v1/tasks/${id}/link`, {});
  await pressed(String(link).split('#')[1] ?? '');
  expect((await rotor(['tasks', 'confirm', id])).code).toBe(0);
  await eventually(async () => {
    const { run } = await installation.api.get<{ run: Row }>(`/v1/runs/${killed}`);
    return run['outcome'] === 'succeeded';
  });
  const all = await installation.api.get<Row[]>('/v1/tasks?all=true');
  expect(all.filter(({ secret }) => secret === 'acme/killed')).toMatchObject([
    { state: 'confirmed', settledBy: 'first-admin' },
  ]);
});

test('confirmed, the run ends; the value is nowhere but in the one answer that showed it', async () => {
  const id = String((await taskOf('billing'))['task']);
  const { link } = await installation.api.post<Row>(`/v1/tasks/${id}/link`, {});
  expect(await rotor(['tasks', 'confirm', id, '--note', 'done'])).toMatchObject({ code: 0 });
  for (let look = 0; look < 3; look += 1)
    expect((await pressed(String(link).split('#')[1] ?? '')).text).toContain(
      'nobody has to do this any more',
    );
  const settled = (await events()).filter(({ event }) => event['why'] === 'task-settled');
  expect(settled).toHaveLength(1);
  const again = await rotor(['--json', 'tasks', 'confirm', id]);
  expect([again.code, again.err]).toEqual([5, expect.stringContaining('task-settled')]);
  await eventually(async () => {
    const { run } = await installation.api.get<{ run: Row }>(`/v1/runs/${runId}`);
    return run['outcome'] === 'succeeded';
  });
  const logs = readdirSync(installation.folder).filter((name) => name.endsWith('.log'));
  for (const name of logs)
    expect(readFileSync(join(installation.folder, name), 'utf8')).not.toContain(value);
  const { rows: tables } = await installation.database.ownerPool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname in ('rotor', 'sealed', 'authority')`,
  );
  for (const { name } of tables) {
    const { rows } = await installation.database.ownerPool.query(
      `select 1 from ${name} t where t::text like '%' || $1 || '%'`,
      [value],
    );
    expect([name, rows.length]).toEqual([name, 0]);
  }
  expect(await installation.api.get('/v1/audit/verify')).toMatchObject({ faults: [] });
});

test('what a person types in is not read back, and a declaration that wants that is refused', async () => {
  const file = join(installation.folder, 'wrong.json');
  const wrong = { ...destination, place: '', dueWithin: 'soon' };
  writeFileSync(
    file,
    JSON.stringify(
      declaration('wrong', 'none', { destination: wrong, leastEvidence: 'read-back' }),
    ),
  );
  const said = await rotor(['apply', '-f', file]);
  expect(said.code).toBe(2);
  for (const part of ['destination.place', 'destination.dueWithin', 'leastEvidence: is read-back'])
    expect(said.err).toContain(part);
});
