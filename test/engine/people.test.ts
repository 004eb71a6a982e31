import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RouteRule } from '../../domain/event.js';
import { tellNews } from '../../infra/registry/news.js';
import { issueLink, openLink } from '../../infra/registry/task-links.js';
import { listTasks } from '../../infra/registry/task-views.js';
import { recordTaskWord } from '../../infra/registry/task-words.js';
import { eventually } from '../faults/installation.js';
import { keepUsing, openWorld, quickPolicy, type World } from './world.js';

const assignment = {
  assignee: 'Ada Partner',
  instructions: 'Settings, API keys, paste it',
  dueWithinMs: 3_600_000,
  remindEveryMs: 3_600_000,
  escalateTo: 'Grace',
  holdsSeveral: false,
};

let world: World;
let traffic: ReturnType<typeof keepUsing> | undefined;
let old: string;

beforeEach(async () => {
  world = await openWorld({ ...quickPolicy, canary: false });
  old = (await world.adopt()).value;
});
afterEach(async () => {
  traffic?.stop();
  await world.close();
});

/** A partner whose program uses whatever was typed in there. */
async function partner(about: Record<string, unknown> = {}, asked: object = {}): Promise<void> {
  await world.depend('partner', {
    evidence: 'human',
    assignment: { ...assignment, ...asked },
    ...about,
  });
  world.connector.places.set('partner', old);
  traffic = keepUsing(world, ['partner'], () => old);
}

async function tasks(all = false): Promise<Record<string, unknown>[]> {
  return [...(await listTasks(world.database.pool, { organization: undefined, all }))];
}

async function asked(kind = 'enter'): Promise<string> {
  let found: string | undefined;
  await eventually(async () => {
    found = (await tasks()).find((task) => task['kind'] === kind)?.['task'] as string | undefined;
    return found !== undefined;
  });
  return found ?? '';
}

async function linkTo(taskId: string): Promise<string> {
  const call = { taskId, validForMs: 60_000, by: 'security' };
  return (await issueLink(world.decisionParts, call)).token;
}

const opening = (token: string) =>
  openLink(world.decisionParts, { token, source: { address: '192.0.2.7' } });

/** What the page shows. */
async function shown(token: string): Promise<string> {
  const opened = await opening(token);
  if (opened.kind !== 'shown') throw new Error(`refused: ${JSON.stringify(opened)}`);
  return world.store.values.get(opened.versionId) ?? '';
}

async function say(taskId: string, word: 'confirmed' | 'declined', note?: string): Promise<void> {
  await recordTaskWord(world.decisionParts, { taskId, word, note, by: 'ops' });
  await world.tell();
}

/** The signal is lost; what the keeper would wait for is long ago. */
async function sayUnheard(taskId: string, word: 'declined', note: string): Promise<void> {
  await recordTaskWord(world.decisionParts, { taskId, word, note, by: 'ops' });
  await world.database.pool.query(
    `update rotor.tasks set signalled_at = now() - interval '1 hour' where id = $1`,
    [taskId],
  );
}

/** Sees the value, and types it in where that is said. */
async function fetched(taskId: string, { types = true } = {}): Promise<void> {
  const value = await shown(await linkTo(taskId));
  if (types) world.connector.places.set('partner', value);
}

async function waits(runId: string, code: string): Promise<string> {
  await eventually(async () => (await world.run(runId))['waits_code'] === code);
  return String((await world.run(runId))['waits_told']);
}

async function events(): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ change: string }>(
    `select event->>'change' as change from rotor.audit order by seq`,
  );
  return rows.map(({ change }) => change);
}

async function evidence(): Promise<unknown[]> {
  const { rows } = await world.database.pool.query<Record<string, unknown>>(
    `select 'v' || v.ordinal as version, y.evidence, y.moved_at is not null as moved
     from rotor.deliveries y join rotor.versions v on v.id = y.version_id order by v.ordinal`,
  );
  return rows;
}

describe('a person who types the value in', () => {
  test('is waited for by name, shown the value, and believed then, once, where their word is enough', async () => {
    await partner();
    const runId = await world.ask('rotate');
    const taskId = await asked();
    expect(await waits(runId, 'waiting')).toMatch(/^waiting until .*: Ada Partner types v2 of/);
    await expect(say(taskId, 'confirmed')).rejects.toMatchObject({ code: 'value-not-shown' });
    await fetched(taskId);
    await say(taskId, 'confirmed', 'by telephone');
    await expect(say(taskId, 'confirmed')).rejects.toMatchObject({ code: 'task-settled' });
    expect(await world.result()).toBe('succeeded');
    expect(await tasks(true)).toMatchObject([
      { state: 'confirmed', settledBy: 'ops', note: 'by telephone', version: 'v2' },
    ]);
    expect(traffic?.refused).toEqual([]);
    expect(await events()).toEqual(
      expect.arrayContaining(['task-opened', 'link-issued', 'link-opened', 'task-confirmed']),
    );
    // The next one was typed over the old value: nothing is left to remove.
    expect(await tasks()).toEqual([]);
  });

  test('confirms without doing it: the old value is in use, which blocks the revoke and is a finding', async () => {
    await partner();
    const runId = await world.ask('rotate');
    const taskId = await asked();
    await fetched(taskId, { types: false });
    await say(taskId, 'confirmed');
    expect(await waits(runId, 'version-in-use')).toContain('still used by partner');
    await eventually(async () => (await world.findings()).includes('confirmed-but-old-value-used'));
    expect(await world.versions()).toEqual(['v1 retiring', 'v2 active current']);
    // Whoever doubts the word asks them anew: until they answer, they have not moved.
    await world.decide(runId, 'retry', 'partner');
    const again = await asked();
    expect(again).not.toBe(taskId);
    await fetched(again);
    await say(again, 'confirmed');
    expect(await world.result()).toBe('succeeded');
    expect(traffic?.refused).toEqual([]);
  });

  test('confirms where only use counts: the word alone does not move it, use does', async () => {
    await partner({ evidence: 'observed', picksUpWithinMs: 60_000 });
    const runId = await world.ask('rotate');
    const taskId = await asked();
    const value = await shown(await linkTo(taskId));
    await say(taskId, 'confirmed');
    await eventually(async () =>
      String((await world.run(runId))['waits_told']).includes('not yet proven'),
    );
    expect(await evidence()).toEqual([{ version: 'v2', evidence: 'human', moved: false }]);
    world.connector.places.set('partner', value);
    expect(await world.result()).toBe('succeeded');
  });

  test('types it in and says nothing: it was seen, and nobody is asked any more', async () => {
    await partner();
    await world.ask('rotate');
    await fetched(await asked());
    expect(await world.result()).toBe('succeeded');
    expect(await tasks(true)).toMatchObject([{ state: 'closed', settledBy: 'rotor' }]);
  });

  test('never answers: told again, then their deputy too, a finding, a blocker with the name; and they can be skipped', async () => {
    await partner({}, { dueWithinMs: 700, remindEveryMs: 100 });
    const runId = await world.ask('rotate');
    const taskId = await asked();
    const route: RouteRule = {
      name: 'all',
      events: ['task'],
      owners: undefined,
      organizations: undefined,
      labels: undefined,
      severity: 'info',
      digestMs: undefined,
    };
    const told = async () => {
      await tellNews(world.database.pool, [route]);
      const { rows } = await world.database.pool.query<{ owner: string; code: string }>(
        'select owner, code from rotor.events order by at',
      );
      return rows.map(({ owner, code }) => `${code} ${owner}`);
    };
    await eventually(
      async () => (await told()).filter((one) => one === 'task-open Ada Partner').length > 1,
    );
    expect(await waits(runId, 'task-overdue')).toMatch(/^due since .*: Ada Partner types v2/);
    await eventually(async () => (await told()).includes('task-overdue Grace'));
    await eventually(async () => (await world.findings()).includes('task-overdue'));
    await world.decide(runId, 'skip', 'partner');
    expect(await waits(runId, 'dependents-not-moved')).toContain('partner');
    expect(await world.findings()).not.toContain('task-overdue');
    await expect(say(taskId, 'confirmed')).rejects.toMatchObject({ code: 'task-settled' });
  });

  test('declines: the run says why, also where nobody could tell it; asked again it is another task, and the old link is dead', async () => {
    await partner();
    const runId = await world.ask('rotate');
    const first = await asked();
    const token = await linkTo(first);
    await sayUnheard(first, 'declined', 'on holiday');
    expect(await waits(runId, 'task-declined')).toMatch(
      /^ops declined: on holiday \(asked for: Ada/,
    );
    expect(await opening(token)).toMatchObject({ kind: 'refused', why: 'task-settled' });
    await world.decide(runId, 'retry', 'partner');
    const again = await asked();
    expect(again).not.toBe(first);
    await fetched(again);
    await say(again, 'confirmed');
    expect(await world.result()).toBe('succeeded');
  });
});

describe('a run that turns around', () => {
  test('closes the task and its link; nobody who was shown nothing has anything to put back', async () => {
    await partner();
    const runId = await world.ask('rotate');
    const token = await linkTo(await asked());
    await world.decide(runId, 'abort');
    expect(await world.result()).toBe('rolled-back');
    expect(await opening(token)).toMatchObject({ kind: 'refused' });
    expect(await tasks(true)).toMatchObject([{ state: 'closed', version: 'v2' }]);
    expect(await world.versions()).toEqual(['v1 active current', 'v2 revoked']);
  });

  test('asks whoever was shown the new value to put the old one back, before the new one ends', async () => {
    await partner();
    const runId = await world.ask('rotate');
    await fetched(await asked(), { types: false });
    await world.decide(runId, 'abort');
    await eventually(async () => (await tasks())[0]?.['version'] === 'v1');
    const back = await asked();
    expect(await world.versions()).toEqual(['v1 active current', 'v2 active']);
    await say(back, 'confirmed', 'it was never replaced');
    expect(await world.result()).toBe('rolled-back');
    expect(await world.versions()).toEqual(['v1 active current', 'v2 revoked']);
    expect(traffic?.refused).toEqual([]);
  });
});

describe('a compromise', () => {
  test('takes over while somebody is asked: their task closes, and they are asked anew, urgently', async () => {
    await partner();
    await world.ask('rotate');
    const first = await asked();
    const token = await linkTo(first);
    await world.ask('compromise');
    await eventually(async () => (await tasks())[0]?.['urgent'] === true);
    expect(await world.versions()).toEqual(['v1 revoked', 'v2 active']);
    expect(await opening(token)).toMatchObject({ kind: 'refused', why: 'task-settled' });
    await expect(say(first, 'confirmed')).rejects.toMatchObject({ code: 'task-settled' });
    const urgent = await asked();
    await fetched(urgent);
    await say(urgent, 'confirmed');
    expect(await world.result()).toBe('succeeded');
  });
});

describe('what a person has at a place that is over', () => {
  test('is theirs to remove: a task that no run waits for', async () => {
    await partner();
    traffic?.stop();
    const outage = { by: 'test', reason: 'test', dependents: ['partner'], sources: [] };
    await world.ask('decommission', { acceptedOutage: outage });
    expect(await world.result()).toBe('succeeded');
    const [task] = await tasks();
    expect(task).toMatchObject({ kind: 'remove', version: 'v1', run: null });
    await expect(linkTo(String(task?.['task']))).rejects.toMatchObject({ code: 'nothing-to-show' });
    await say(String(task?.['task']), 'confirmed');
    expect(await tasks()).toEqual([]);
  });
});
