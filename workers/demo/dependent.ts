/** A program that needs its secrets ten times a second, as real ones do: it reads its own copies, anew each time, and logs in. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { endWithParent } from '../child.js';
import { valuesIn } from './places.js';
import type { Login, Task, Use } from './program.js';
import { tryValue } from './authority.js';

const everyMs = 100;
const task = JSON.parse(process.env['DEMO_TASK'] ?? '{}') as Task;

/** The webhook's value: what it was started with, then what it was sent. */
const held = { version: undefined as string | undefined, value: '' };

/** `none`: it was given no value yet. */
type Outcome = 'accepted' | 'refused' | 'lost' | 'none';

/** Refused at the login (28…), or thrown out by the administrator (57P01). */
async function connect(url: string): Promise<Outcome> {
  const client = new pg.Client({ connectionString: url, application_name: task.name });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return 'accepted';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return code.startsWith('28') || code === '57P01' ? 'refused' : 'lost';
  } finally {
    await client.end().catch(() => undefined);
  }
}

function ask(login: Login, value: string): Promise<Outcome> {
  if (login.kind === 'postgres') return connect(value);
  const { url, clientId } = login;
  return tryValue({ url }, { clientId, value, userAgent: `${task.name}/1.0` });
}

/** A list is tried in its order: it is refused only when none of it is accepted. */
async function askOnce(use: Use): Promise<Outcome> {
  let outcome: Outcome = 'none';
  const values = use.source === 'webhook' ? [held.value] : valuesIn(use);
  for (const value of values.filter((one) => one !== '')) {
    outcome = await ask(use.login, value);
    if (outcome === 'accepted') return outcome;
  }
  return outcome;
}

function isSigned({ keyFile = '' }: Use, body: string, header: string): boolean {
  const [, at = '', mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  const key = readFileSync(keyFile, 'utf8').trim();
  const expected = createHmac('sha256', key).update(`${at}.${body}`).digest();
  const fresh = Math.abs(Date.now() / 1_000 - Number(at)) < 300;
  const given = Buffer.from(mac, 'hex');
  return fresh && given.length === expected.length && timingSafeEqual(given, expected);
}

async function receive(
  use: Use,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  if (!isSigned(use, body, String(request.headers['rotor-signature']))) {
    response.writeHead(403).end();
    return;
  }
  const { version, value } = JSON.parse(body) as { version?: string; value?: string };
  if (version !== undefined && value !== undefined) Object.assign(held, { version, value });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ uses: held.version ?? null }));
}

/** At most one of its uses is a webhook. */
const webhook = task.uses.find(({ source }) => source === 'webhook');
if (webhook !== undefined) {
  [held.value = ''] = valuesIn(webhook);
  createServer((request, response) => void receive(webhook, request, response)).listen(
    webhook.port,
    '127.0.0.1',
  );
}
endWithParent(() => process.exit(0));
for (;;) {
  const began = Date.now();
  for (const use of task.uses) {
    const at = Date.now();
    // One line per attempt, without any value: the observer counts them.
    process.stdout.write(`${at} ${await askOnce(use)} ${use.about}\n`);
  }
  await pause(Math.max(1, everyMs - (Date.now() - began)));
}
