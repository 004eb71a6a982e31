import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openRecorderPool } from '../../authority/recorder.js';
import { dropWhatIsOver } from '../../authority/upkeep.js';
import { usesSince } from '../../authority/uses.js';
import { isWellFormed, newSecretValue } from '../../authority/value.js';
import { openPool } from '../../infra/postgres.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { end } from '../faults/installation.js';
import { adminToken, serve } from './served.js';

let database: TestDatabase;
let url: string;
let close: () => Promise<void>;
let serial = 0;

beforeAll(async () => {
  database = await openDatabase();
  ({ url, close } = await serve(database));
});
afterAll(async () => {
  await close();
  await database.close();
});

async function admin<T>(
  path: string,
  body?: unknown,
  base = url,
): Promise<{ status: number; body: T }> {
  const response = await fetch(`${base}/authority/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as T };
}

interface Made {
  readonly clientId: string;
  readonly credentialId: string;
  readonly value: string;
}

async function make(clientId?: string, more: Record<string, unknown> = {}): Promise<Made> {
  serial += 1;
  const client =
    clientId ??
    (
      await admin<{ clientId: string }>('/clients', {
        secretKey: `s${serial}`,
        name: `acme/s${serial}`,
      })
    ).body.clientId;
  const wanted = {
    role: 'Viewer',
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    ...more,
  };
  const { body } = await admin<{ credentialId: string; value: string }>(
    `/clients/${client}/credentials`,
    wanted,
  );
  return { clientId: client, ...body };
}

/** A login of a test's own that may become rotor_app. */
async function addLogin(): Promise<{ readonly url: string; remove(): Promise<void> }> {
  const name = `login_${randomBytes(6).toString('hex')}`;
  const { ownerPool } = database;
  await ownerPool.query(`create role ${name} login password '${name}' in role rotor_app`);
  const login = new URL(database.url);
  login.username = name;
  login.password = name;
  return {
    url: login.href,
    remove: async () => {
      await ownerPool.query(`drop role ${name}`);
    },
  };
}

async function form(
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

const grant = { grant_type: 'client_credentials' };
const login = ({ clientId, value }: Made, userAgent = 'test/1') =>
  form(
    '/oauth/token',
    { ...grant, client_id: clientId, client_secret: value },
    { 'user-agent': userAgent },
  );
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

interface Uses {
  readonly now: string;
  readonly completeThrough: string;
  readonly uses: readonly {
    credentialId: string;
    outcome: string;
    count: number;
    source: { userAgent?: string; address: string };
  }[];
}

const usesOf = async (clientId: string, base = url): Promise<Uses> =>
  (await admin<Uses>(`/clients/${clientId}/uses?since=2020-01-01T00:00:00Z`, undefined, base)).body;

describe('values', () => {
  test('are recognizable, and a wrong character shows', () => {
    const value = newSecretValue();
    expect(value).toMatch(/^rotor_cs_[0-9A-Za-z]{49}$/);
    expect(isWellFormed(value)).toBe(true);
    const wrong = value.endsWith('A') ? `${value.slice(0, -1)}B` : `${value.slice(0, -1)}A`;
    expect(isWellFormed(wrong)).toBe(false);
  });
  test('stand nowhere in the database', async () => {
    const { value } = await make();
    const { rows } = await database.pool.query<{ text: string }>(
      'select c::text as text from authority.credentials c',
    );
    expect(rows.some(({ text }) => text.includes(value))).toBe(false);
  });
});

describe('the token endpoint (RFC 6749)', () => {
  test('gives a token by form and by HTTP Basic', async () => {
    const made = await make();
    expect(await login(made)).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
    const { status, headers } = await form('/oauth/token', grant, basic(made.clientId, made.value));
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
  });
  const rows: [string, Record<string, string>, Record<string, string>, number, string][] = [
    ['no grant type', {}, {}, 400, 'invalid_request'],
    ['another grant type', { grant_type: 'password' }, {}, 400, 'unsupported_grant_type'],
    ['no client', grant, {}, 401, 'invalid_client'],
    [
      'an unknown client',
      { ...grant, client_id: 'x', client_secret: newSecretValue() },
      {},
      401,
      'invalid_client',
    ],
    [
      'a malformed secret',
      { ...grant, client_id: 'x', client_secret: 'hunter2' },
      {},
      401,
      'invalid_client',
    ],
    [
      'two ways at once',
      { ...grant, client_id: 'x', client_secret: 'y' },
      basic('x', 'y'),
      400,
      'invalid_request',
    ],
  ];
  for (const [name, fields, headers, status, error] of rows) {
    test(`${name}: ${error}`, async () => {
      const answer = await form('/oauth/token', fields, headers);
      expect([answer.status, answer.body['error']]).toEqual([status, error]);
      if (status === 401) expect(answer.headers.get('www-authenticate')).toContain('Basic');
    });
  }
  test('several credentials of a client are valid at once; an expired one is refused', async () => {
    const one = await make();
    const other = await make(one.clientId);
    const short = await make(one.clientId, { expiresAt: new Date(Date.now() + 60).toISOString() });
    await pause(80);
    const answers = await Promise.all([one, other, short].map((made) => login(made)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401]);
  });
  test('a credential of more than 24 months is not made', async () => {
    const { clientId } = await make();
    const expiresAt = new Date(Date.now() + 800 * 86_400_000).toISOString();
    const { status } = await admin(`/clients/${clientId}/credentials`, {
      role: 'Viewer',
      expiresAt,
    });
    expect(status).toBeGreaterThanOrEqual(400);
  });
  test('for a client that is not there none is made, and that is told', async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const asked = { role: 'Viewer', expiresAt, tag: 'here/none' };
    const { status } = await admin('/clients/none-such/credentials', asked);
    expect(status).toBe(404);
  });
  test('the same tag twice is one credential, and its value is shown once', async () => {
    const { clientId } = await make();
    const wanted = {
      role: 'Viewer',
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
      tag: 'here/v1',
    };
    const first = await admin<Made>(`/clients/${clientId}/credentials`, wanted);
    const again = await admin<Made>(`/clients/${clientId}/credentials`, wanted);
    expect([first.status, again.status]).toEqual([201, 409]);
    expect(again.body.credentialId).toBe(first.body.credentialId);
    expect(again.body.value).toBeUndefined();
  });
});

describe('disabled and revoked', () => {
  const inspect = async (token: unknown) =>
    (
      await form(
        '/oauth/introspect',
        { token: String(token) },
        { authorization: `Bearer ${adminToken}` },
      )
    ).body;

  test('disabled is refused at once, tokens included, and works again when enabled or when its time is over', async () => {
    const made = await make();
    const { body } = await login(made);
    expect(await inspect(body['access_token'])).toMatchObject({
      active: true,
      client_id: made.clientId,
      scope: 'Viewer',
    });
    const change = `/credentials/${made.credentialId}`;
    await admin(`${change}/disable`, { until: new Date(Date.now() + 60_000).toISOString() });
    expect((await login(made)).status).toBe(401);
    expect(await inspect(body['access_token'])).toEqual({ active: false });
    await admin(`${change}/enable`, {});
    expect((await login(made)).status).toBe(200);
    await admin(`${change}/disable`, { until: new Date(Date.now() + 60).toISOString() });
    await pause(90);
    expect((await login(made)).status).toBe(200);
  });

  test('revoked is refused at once, tokens included, for ever', async () => {
    const made = await make();
    const { body } = await login(made);
    const change = `/credentials/${made.credentialId}`;
    expect((await admin(`${change}/revoke`, {})).status).toBe(200);
    expect((await admin(`${change}/revoke`, {})).status).toBe(200);
    expect((await login(made)).status).toBe(401);
    expect(await inspect(body['access_token'])).toEqual({ active: false });
    expect((await admin(`${change}/enable`, {})).status).toBe(404);
    await expect(
      database.ownerPool.query('update authority.credentials set revoked_at = null where id = $1', [
        made.credentialId,
      ]),
    ).rejects.toThrow('stays revoked');
  });

  test("another's tag protects a credential", async () => {
    const made = await make(undefined, { tag: 'other/v9' });
    const { status } = await admin(`/credentials/${made.credentialId}/revoke`, { tag: 'here/v1' });
    expect([status, (await login(made)).status]).toEqual([409, 200]);
  });

  test('of thousands of requests at once none is accepted after the revoke has answered', async () => {
    const made = await make();
    let revokedAt = Number.POSITIVE_INFINITY;
    const late: number[] = [];
    const one = async (): Promise<void> => {
      const began = performance.now();
      if ((await login(made)).status === 200 && began > revokedAt) late.push(began);
    };
    const load = Array.from({ length: 40 }, async () => {
      for (let index = 0; index < 40; index += 1) await one();
    });
    await pause(100);
    await admin(`/credentials/${made.credentialId}/revoke`, {});
    revokedAt = performance.now();
    await Promise.all(load);
    expect(late).toEqual([]);
    expect((await login(made)).status).toBe(401);
  });

  test('a token ends by RFC 7009, for the client that got it only', async () => {
    const made = await make();
    const other = await make();
    const { body } = await login(made);
    const token = String(body['access_token']);
    const end7009 = ({ clientId, value }: Made) =>
      form('/oauth/revoke', { token }, basic(clientId, value));
    expect((await end7009(other)).status).toBe(200);
    expect(await inspect(token)).toMatchObject({ active: true });
    expect((await end7009(made)).status).toBe(200);
    expect(await inspect(token)).toEqual({ active: false });
  });
  test('introspection asks who asks', async () => {
    expect((await form('/oauth/introspect', { token: 'x' })).status).toBe(401);
  });
});

describe('the record of use', () => {
  test('has every use and refusal of a known credential, with its source', async () => {
    const made = await make();
    await login(made, 'one/1');
    await login(made, 'one/1');
    await admin(`/credentials/${made.credentialId}/revoke`, {});
    await login(made, 'two/1');
    const { uses } = await usesOf(made.clientId);
    expect(
      uses.map(({ outcome, count, source }) => [outcome, count, source.userAgent, source.address]),
    ).toEqual([
      ['accepted', 2, 'one/1', '127.0.0.1'],
      ['refused', 1, 'two/1', '127.0.0.1'],
    ]);
  });

  const header = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
  test.each([
    ['is UTF-8: as it was written', header('bücher-🔑/1 данные'), 'bücher-🔑/1 данные'],
    ['is no UTF-8: as its bytes are', 'caf\u00e9/1', 'café/1'],
    ['writes into terminals: without that', header('a\u009b2J\u202eb'), 'a2Jb'],
    ['is cut in the middle of a character', header(`${'a'.repeat(199)}🔑`), 'a'.repeat(199)],
  ])('a user agent that %s', async (_what, sent, recorded) => {
    const made = await make();
    await login(made, sent);
    const { uses } = await usesOf(made.clientId);
    expect(uses.map(({ source }) => source.userAgent)).toEqual([recorded]);
  });

  test('a checked token counts for whoever obtained it', async () => {
    const made = await make();
    const { body } = await login(made, 'obtained-it');
    await form(
      '/oauth/introspect',
      { token: String(body['access_token']) },
      { authorization: `Bearer ${adminToken}`, 'user-agent': 'resource' },
    );
    const { uses } = await usesOf(made.clientId);
    expect(uses).toMatchObject([{ count: 2, source: { userAgent: 'obtained-it' } }]);
  });

  test('its watermark stands while a batch is under way, and then moves past it', async () => {
    const { clientId } = await make();
    const recorder = openRecorderPool(database.url);
    const open = await recorder.connect();
    await open.query('begin');
    const { rows } = await open.query<{ at: Date }>('select now() as at');
    await pause(50);
    const held = await usesOf(clientId);
    expect(new Date(held.completeThrough).getTime()).toBeLessThanOrEqual(
      rows[0]?.at.getTime() ?? 0,
    );
    await open.query('commit');
    open.release();
    await recorder.end();
    const free = await usesOf(clientId);
    expect(free.completeThrough).toBe(free.now);
  });

  test('its watermark stands while a batch is under way of a login that is not the role it works as', async () => {
    const login = await addLogin();
    const { clientId } = await make();
    const pool = openPool(login.url, 1);
    const recorder = openRecorderPool(login.url);
    const open = await recorder.connect();
    await open.query('begin');
    const { rows } = await open.query<{ at: Date }>('select now() as at');
    await pause(50);
    const held = await usesSince(pool, clientId, new Date(0));
    expect(held.completeThrough).toEqual(rows[0]?.at);
    await open.query('rollback');
    open.release();
    const free = await usesSince(pool, clientId, new Date(0));
    expect(free.completeThrough).toEqual(free.now);
    const { rows: roles } = await pool.query('select current_user as role');
    expect(roles).toEqual([{ role: 'rotor_app' }]);
    await Promise.all([pool.end(), recorder.end()]);
    await login.remove();
  });

  test('a recorder of another login hides what it is doing: its watermark stands where it was', async () => {
    const login = await addLogin();
    const { clientId } = await make();
    const recorder = openRecorderPool(login.url);
    const open = await recorder.connect();
    const since = new Date(Date.now() - 60_000);
    const held = await usesSince(database.pool, clientId, since);
    expect(held.completeThrough).toEqual(since);
    open.release();
    await recorder.end();
    await login.remove();
  });

  test('after kill -9 in the middle of the load every answer that was given is in it', async () => {
    const made = await make();
    const script = fileURLToPath(new URL('./serve-process.js', import.meta.url));
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, DATABASE_URL: database.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const base = line.toString('utf8').trim();
    let accepted = 0;
    const load = Array.from({ length: 30 }, async () => {
      for (;;) {
        const response = await fetch(`${base}/oauth/token`, {
          method: 'POST',
          headers: { 'user-agent': 'load' },
          body: new URLSearchParams({
            ...grant,
            client_id: made.clientId,
            client_secret: made.value,
          }),
        }).catch(() => undefined);
        if (response === undefined) return;
        if (response.status === 200) accepted += 1;
        await response.arrayBuffer().catch(() => undefined);
      }
    });
    while (accepted < 100) await pause(20);
    await end(child);
    await Promise.all(load);
    await pause(200);
    const { uses } = await usesOf(made.clientId);
    const recorded = uses
      .filter(({ source }) => source.userAgent === 'load')
      .reduce((sum, { count }) => sum + count, 0);
    expect(recorded).toBeGreaterThanOrEqual(accepted);
  });

  test('goes two months back: what is older goes, and whoever asks for it is told', async () => {
    const made = await make();
    await login(made);
    const { ownerPool, pool } = database;
    const older = async (days: number) => {
      const from = `from authority.credentials where client_id = '${made.clientId}'`;
      const ago = `now() - interval '${days} days'`;
      await ownerPool.query(
        `insert into authority.uses (credential_id, source_key, outcome, minute, source, last_at, count)
         select id, 'x', 'accepted', ${ago}, '{"address": "::1"}', ${ago}, 1 ${from};
         insert into authority.tokens (hash, credential_id, source_key, source, expires_at)
         select sha256('${days}'), id, 'x', '{}', ${ago} ${from}`,
      );
    };
    for (const days of [1, 30, 61, 90]) await older(days);
    await dropWhatIsOver(pool, () => false);
    const { uses, continuousSince } = await usesSince(pool, made.clientId, new Date(0));
    const ages = uses.map(({ lastAt }) => Math.round((Date.now() - lastAt.getTime()) / 86_400_000));
    expect(ages).toEqual([61, 30, 1, 0]);
    expect((Date.now() - Number(continuousSince)) / 86_400_000).toBeCloseTo(62, 1);
    const recent = await usesSince(pool, made.clientId, new Date(Date.now() - 60 * 86_400_000));
    expect(recent).not.toHaveProperty('continuousSince');
    const { rows } = await ownerPool.query(
      `select t.hash from authority.tokens t join authority.credentials c on c.id = t.credential_id
       where c.client_id = $1`,
      [made.clientId],
    );
    expect(rows).toHaveLength(3);
  });

  test('administration is for its owner', async () => {
    const response = await fetch(`${url}/authority/v1/clients`, {
      method: 'POST',
      headers: { authorization: 'Bearer x' },
    });
    expect(response.status).toBe(401);
  });
});
