import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, type Row } from '../faults/installation.js';
import { openScene, type Scene } from './example-scene.js';
import { openVaults, type Vaults } from './example-vaults.js';
import { targetPatience } from '../targets/client.js';
import { rotorIn, type Said } from './rotor.js';
import { openSession, type Session } from './session.js';
import { usages, type Usage } from './usage.js';

let scene: Scene;
let session: Session;
let vaults: Vaults;
/** Of a second person. */
let grace: string;

beforeAll(async () => {
  scene = await openScene();
  session = openSession(scene.installation);
  vaults = await openVaults(scene.installation.folder);
}, targetPatience);
afterAll(async () => {
  session.close();
  await scene.close();
});

/** What has to come in an order; what is not named comes between the two, as the help lists it. */
const first = [
  ...['apply', 'adopt', 'plan', 'rotate', 'watch', 'report', 'compromise', 'token create'],
  ...['pause', 'resume', 'tasks list', 'tasks show', 'tasks decline', 'decide', 'tasks link'],
  ...['tasks confirm', 'approve', 'abort', 'review', 'dependents withhold', 'findings list'],
  ...['findings mute', 'findings unmute', 'dependents release', 'incident plan', 'incident start'],
  ...['project plan', 'project complete', 'audit export'],
];
const last = ['revoke', 'decommission', 'dependents retire', 'contain'];

interface Example {
  readonly command: string;
  readonly line: string;
}

function examplesOf({ command, text }: Usage): Example[] {
  const [, below = ''] = text.split(/^Examples?.*:\n/m);
  const lines = below
    .replaceAll(/\\\n\s*/g, '')
    .trimEnd()
    .split('\n');
  return lines.filter((line) => line !== '').map((line) => ({ command, line: line.trim() }));
}

function place({ command }: Example): number {
  if (first.includes(command)) return first.indexOf(command) - first.length;
  return last.indexOf(command) + 1;
}

async function rows(...args: string[]): Promise<Row[]> {
  return JSON.parse((await session.rotor([...args, '--json'])).out) as Row[];
}

const idOf = (row: Row | undefined, name: string): string => String(row?.[name]).slice(0, 8);

async function ask(secret: string, kind = 'rotate'): Promise<string> {
  const body = { kind, reason: 'test', ...(kind === 'compromise' ? { confirm: 'revoke' } : {}) };
  const path = `/v1/secrets/acme/${secret}/runs`;
  const { runId } = await scene.installation.api.post<{ runId: string }>(path, body);
  return runId.slice(0, 8);
}

/** The secret's open run; it is asked for where there is none. */
async function openRun(secret: string): Promise<string> {
  const runs = await rows('list', '--runs');
  const isOpen = (run: Row): boolean =>
    run['secret'] === `acme/${secret}` && run['outcome'] === null;
  const open = runs.find(isOpen);
  return open === undefined ? ask(secret) : idOf(open, 'run');
}

/** The secret's open run once it waits for that; one that ends meanwhile is not the one. */
async function waiting(secret: string, code: string): Promise<Row> {
  let run: Row = {};
  await eventually(async () => {
    const id = await openRun(secret);
    ({ run } = await scene.installation.api.get<{ run: Row }>(`/v1/runs/${id}`));
    return run['waitsCode'] === code;
  });
  return run;
}

async function runFor({ command, line }: Example): Promise<string> {
  if (command === 'review') return ask('payments-api', 'compromise');
  if (line.includes('--dependent partner'))
    return idOf(await waiting('partner-api', 'task-declined'), 'run');
  if (['pause', 'decide', 'approve', 'abort'].includes(command))
    return idOf(await waiting('payments-api', 'approval-needed'), 'run');
  if (command === 'resume') return idOf(await waiting('payments-api', 'paused'), 'run');
  const runs = await rows('list', '--runs');
  const ended = runs.find(({ outcome }) => outcome === 'succeeded');
  return idOf(ended, 'run');
}

async function taskFor(): Promise<string> {
  await openRun('partner-api');
  await eventually(async () => (await rows('tasks')).length > 0);
  return idOf((await rows('tasks'))[0], 'task');
}

/** What the placeholders of the examples stand for, once it is the turn of their command. */
const placeholders: Readonly<Record<string, (example: Example) => Promise<string>>> = {
  RUN: runFor,
  PLAN: async () => idOf(await waiting('payments-api', 'approval-needed'), 'hash'),
  TASK: taskFor,
  FINDING: async () => {
    const found = await rows('findings', '--all');
    const withheld = found.find(({ code }) => code === 'dependent-withheld');
    return idOf(withheld, 'finding');
  },
  INCIDENT: async () => idOf((await rows('incident', 'list'))[0], 'id'),
  PROJECT: async () => idOf((await rows('project', 'list'))[0], 'id'),
  URL: ({ command }) =>
    Promise.resolve(command === 'conformance http' ? scene.ownServer : vaults.baoUrl),
  DAY: () => Promise.resolve(new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)),
};

/** What happens outside of rotor before a command, or after it. */
const before: Readonly<Record<string, () => Promise<unknown>>> = {
  adopt: () => adoptOthers(),
  'token create': async () => {
    const made = await session.rotor(['token', 'create', 'grace', '--role', 'security']);
    grace = made.out.trim();
  },
  contain: () =>
    eventually(async () => {
      const direct = ['contain', 'acme/billing-api', '--direct', '--reason', 'look'];
      return (await session.rotor(direct)).err.includes('confirmation-needed');
    }),
};
const after: Readonly<Record<string, (said: Said) => Promise<unknown>>> = {
  'tasks link': async ({ out }) => {
    const [link = '', token = ''] = /https?:\S+#(\S+)/.exec(out) ?? [];
    await fetch(link, { method: 'POST', body: new URLSearchParams({ token }) });
  },
};

async function adoptOthers(): Promise<void> {
  for (const { secret, credentialId } of scene.older)
    await scene.installation.api.post(`/v1/secrets/acme/${secret}/adopt`, { credentialId });
}

/** Approving and signing off are for somebody else than who asked. */
function whoRuns({ command }: Example): Record<string, string> {
  if (command === 'import aws-secrets-manager') return { ...vaults.aws };
  return command === 'approve' || command === 'review' ? { ROTOR_TOKEN: grace } : {};
}

async function typed(example: Example): Promise<string[]> {
  const words = [...example.line.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, said, word]) => said ?? word,
  );
  const filled: string[] = [];
  for (const word of words.slice(1))
    filled.push((await placeholders[word ?? '']?.(example)) ?? word ?? '');
  return filled;
}

/** As a shell would: `<` is what it reads, `>` where it writes. */
async function run(example: Example): Promise<Said> {
  const words = await typed(example);
  const file = (sign: string): string | undefined => {
    const at = words.indexOf(sign);
    return at === -1 ? undefined : join(scene.installation.folder, words[at + 1] ?? '');
  };
  const cut = words.findIndex((word) => word === '<' || word === '>');
  const args = cut === -1 ? words : words.slice(0, cut);
  const from = file('<');
  const said =
    from === undefined && example.command !== 'rekey'
      ? await session.rotor(args, { env: whoRuns(example) })
      : await byItself(args, from);
  const to = file('>');
  if (to !== undefined) writeFileSync(to, said.out);
  return said;
}

/** In a process of its own: it reads, or starts a program that prints; with what workers have. */
function byItself(args: readonly string[], from: string | undefined): Promise<Said> {
  const input = from === undefined ? '' : readFileSync(from, 'utf8');
  return rotorIn(scene.installation)(args, { input, env: scene.installation.environment });
}

/** A later one may need an earlier one: the first that fails is told, with what it said. */
async function runAll(examples: readonly Example[]): Promise<void> {
  const begun = new Set<string>();
  for (const example of examples) {
    const { command, line } = example;
    try {
      if (!begun.has(command)) await before[command]?.();
      begun.add(command);
      const said = await run(example);
      expect(said).toMatchObject({ code: 0 });
      await after[command]?.(said);
    } catch (error) {
      throw new Error(`the example "${line}" does not work`, { cause: error });
    }
  }
}

test('every command has an example in its help, of 80 columns, and each of them works', async () => {
  const [main, ...commands] = await usages(session.rotor);
  const leaves = commands.filter(({ hasBelow }) => !hasBelow);
  expect(leaves.length).toBeGreaterThan(40);
  expect(leaves.filter((usage) => examplesOf(usage).length === 0)).toEqual([]);
  const lines = commands.flatMap(({ text }) => text.split('\n'));
  expect(lines.filter(({ length }) => length > 80)).toEqual([]);
  const examples = leaves.flatMap(examplesOf);
  const known = examples.map(({ line }) => line);
  expect(known).toEqual(
    expect.arrayContaining(main === undefined ? [] : examplesOf(main).map(({ line }) => line)),
  );
  await runAll(examples.sort((a, b) => place(a) - place(b)));
});
