/** A program that needs the secret ten times a second, as real ones do: it reads its own copy, anew each time, and logs in. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'dotenv';
import pg from 'pg';
import { endWithParent } from '../child.js';
import type { Login, Task } from './program.js';

const everyMs = 100;
const task = JSON.parse(process.env['DEMO_TASK'] ?? '{}') as Task;

/** The webhook's value: what it was started with, then what it was sent. */
const held = { version: undefined as string | undefined, value: '' };

function candidates(): string[] {
  const text = (): string => readFileSync(task.file, 'utf8');
  switch (task.source) {
    case 'dotenv':
      return [parse(text())['CLIENT_SECRET'] ?? ''];
    case 'list':
      return (parse(text())['CLIENT_SECRETS'] ?? '').split(',');
    case 'json':
      return [(JSON.parse(text()) as { api: { secret: string } }).api.secret];
    case 'webhook':
      return [held.value];
  }
}

/** `none`: it was given no value yet. */
type Outcome = 'accepted' | 'refused' | 'lost' | 'none';

async function askForToken(
  { url, clientId }: Extract<Login, { kind: 'token' }>,
  secret: string,
): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'user-agent': `${task.name}/1.0` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: secret,
      }),
      signal: AbortSignal.timeout(3_000),
    });
    await response.arrayBuffer();
    if (response.ok) return 'accepted';
    return response.status === 401 ? 'refused' : 'lost';
  } catch {
    return 'lost';
  }
}

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

function ask(secret: string): Promise<Outcome> {
  const { login } = task;
  return login.kind === 'token' ? askForToken(login, secret) : connect(secret);
}

/** A list is tried in its order: it is refused only when none of it is accepted. */
async function askOnce(): Promise<Outcome> {
  let outcome: Outcome = 'none';
  for (const secret of candidates().filter((one) => one !== '')) {
    outcome = await ask(secret);
    if (outcome === 'accepted') return outcome;
  }
  return outcome;
}

function isSigned(body: string, header: string): boolean {
  const [, at = '', mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  const key = readFileSync(task.keyFile ?? '', 'utf8').trim();
  const expected = createHmac('sha256', key).update(`${at}.${body}`).digest();
  const fresh = Math.abs(Date.now() / 1_000 - Number(at)) < 300;
  const given = Buffer.from(mac, 'hex');
  return fresh && given.length === expected.length && timingSafeEqual(given, expected);
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  if (!isSigned(body, String(request.headers['rotor-signature']))) {
    response.writeHead(403).end();
    return;
  }
  const { version, value } = JSON.parse(body) as { version?: string; value?: string };
  if (version !== undefined && value !== undefined) Object.assign(held, { version, value });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ uses: held.version ?? null }));
}

if (task.source === 'webhook') {
  held.value = readFileSync(task.file, 'utf8').trim();
  createServer((request, response) => void receive(request, response)).listen(
    task.port,
    '127.0.0.1',
  );
}
endWithParent(() => process.exit(0));
for (;;) {
  const began = Date.now();
  // One line per attempt, without any value: the observer counts them.
  process.stdout.write(`${began} ${await askOnce()}\n`);
  await pause(Math.max(1, everyMs - (Date.now() - began)));
}
