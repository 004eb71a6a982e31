import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { approvalRoutes } from '../../api/routes/approvals.js';
import { dependentRoutes } from '../../api/routes/dependents.js';
import { incidentRoutes } from '../../api/routes/incidents.js';
import { discoveryRoutes } from '../../api/routes/discovery.js';
import { findingRoutes } from '../../api/routes/findings.js';
import { installationRoutes } from '../../api/routes/installation.js';
import { projectRoutes } from '../../api/routes/projects.js';
import { reportRoutes } from '../../api/routes/reports.js';
import { notificationRoutes } from '../../api/routes/notifications.js';
import { recoveryRoutes } from '../../api/routes/recovery.js';
import { runRoutes } from '../../api/routes/runs.js';
import { scheduleRoutes } from '../../api/routes/schedules.js';
import { secretRoutes } from '../../api/routes/secrets.js';
import { taskRoutes } from '../../api/routes/tasks.js';
import type { ApiParts } from '../../api/parts.js';
import { hasRight, roles } from '../../domain/role.js';
import {
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type UsedSecret,
} from '../faults/installation.js';

let installation: Installation;
let secret: UsedSecret;

beforeAll(async () => {
  installation = await openInstallation();
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  secret = await openSecret(installation, 'api');
});
afterAll(async () => {
  await secret.stop();
  await installation.close();
});

async function tokenOf(role: string, more: Record<string, unknown> = {}): Promise<string> {
  const body = {
    name: `t-${randomUUID().slice(0, 8)}`,
    holder: 'service',
    role,
    validFor: '1h',
    ...more,
  };
  return (await installation.api.post<{ token: string }>('/v1/tokens', body)).token;
}

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function ask({ method = 'GET', path, token, body, headers }: Asked) {
  const response = await fetch(`${installation.url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    // Of lines of JSON, the first one.
    body: JSON.parse((await response.text()).split('\n')[0] ?? '') as Record<string, unknown>,
  };
}

describe('route × role', () => {
  const none = {} as ApiParts;
  const routes = [
    secretRoutes,
    runRoutes,
    approvalRoutes,
    incidentRoutes,
    projectRoutes,
    findingRoutes,
    discoveryRoutes,
    reportRoutes,
    scheduleRoutes,
    dependentRoutes,
    taskRoutes,
    notificationRoutes,
    recoveryRoutes,
    installationRoutes,
  ].flatMap((all) => all(none));
  const tokens = new Map<string, string>();
  beforeAll(async () => {
    for (const role of roles) tokens.set(role, await tokenOf(role));
  });

  for (const { method, url, right } of routes) {
    for (const role of roles) {
      const may = hasRight(role, right);
      test(`${role} ${may ? 'may' : 'may not'} ${method} ${url}`, async () => {
        // Names that nobody has: whoever may ask is told so, and nothing happens.
        const path = url.replaceAll(/:\w+/g, 'nobody');
        const body = method === 'POST' ? {} : undefined;
        const { status } = await ask({ method, path, body, token: tokens.get(role) });
        if (may) expect([200, 404, 409, 422]).toContain(status);
        else expect(status).toBe(403);
      });
    }
    test(`nobody may ${method} ${url} without a token`, async () => {
      const path = url.replaceAll(/:\w+/g, 'nobody');
      expect((await ask({ method, path, body: method === 'POST' ? {} : undefined })).status).toBe(
        401,
      );
    });
  }
});

describe('tokens', () => {
  test('a wrong, an expired and a revoked one are refused alike', async () => {
    const expired = await tokenOf('admin', { validFor: '1ms' });
    const name = `t-${randomUUID().slice(0, 8)}`;
    const revoked = await tokenOf('admin', { name });
    await installation.api.remove(`/v1/tokens/${name}`);
    const answers = await Promise.all(
      ['rotor_pat_wrong', expired, revoked].map((token) => ask({ path: '/v1/secrets', token })),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  test('what belongs to no secret is in the audit trail too: tokens, policies, dependents', async () => {
    const name = `t-${randomUUID().slice(0, 8)}`;
    await tokenOf('viewer', { name });
    await installation.api.remove(`/v1/tokens/${name}`);
    await installation.apply({
      organization: 'noted',
      policies: [{ name: 'p' }],
      dependents: [{ name: 'd', owner: 'me' }],
    });
    await installation.api.post('/v1/dependents/noted/d/retire');
    const { rows } = await installation.database.pool.query<{
      actor: string;
      event: Record<string, unknown>;
    }>(
      `select a.actor, a.event from rotor.audit a join rotor.installation i on i.id = a.chain_id
       order by a.seq desc limit 4`,
    );
    const events = rows.map(({ event }) => event['change']).reverse();
    expect(events).toEqual(['token-created', 'token-revoked', 'declared', 'dependent-retired']);
    expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set(['first-admin']));
    expect(JSON.stringify(rows)).not.toContain('rotor_pat_');
    expect(await installation.api.get('/v1/audit/verify')).toMatchObject({ faults: [] });
  });

  test('an organization or a credential that is not there is no empty answer', async () => {
    const missing = ['/v1/findings?', '/v1/audit/secrets?', '/v1/report?from=2026-01-01&'];
    const token = await tokenOf('security');
    for (const path of missing)
      expect(await ask({ path: `${path}organization=acm`, token })).toMatchObject({
        status: 404,
        body: { code: 'no-such-organization' },
      });
    const body = { credentialId: 'none-such' };
    const adopt = { method: 'POST', path: '/v1/secrets/acme/api/adopt', body, token };
    expect(await ask(adopt)).toMatchObject({
      status: 404,
      body: { code: 'no-such-credential' },
    });
  });

  test("an organization's token sees no other organization", async () => {
    await installation.apply({ organization: 'other' });
    const token = await tokenOf('admin', { organization: 'other' });
    expect((await ask({ path: '/v1/secrets', token })).body).toEqual([]);
    expect((await ask({ path: '/v1/secrets/acme/api', token })).status).toBe(404);
    const runs = await ask({ path: '/v1/runs', token });
    expect(runs.body).toEqual([]);
    const wide = { name: 'wide', holder: 'person', role: 'admin', validFor: '1h' };
    expect((await ask({ method: 'POST', path: '/v1/tokens', body: wide, token })).status).toBe(403);
    const { body: tokens } = await ask({ path: '/v1/tokens', token });
    expect(JSON.stringify(tokens)).not.toContain('first-admin');
    expect((await ask({ path: '/v1/audit/verify', token })).status).toBe(403);
    expect(await partsChecked(token)).not.toContain('audit trail');
    const others = '/v1/tokens/first-admin';
    expect((await ask({ method: 'DELETE', path: others, token })).status).toBe(404);
    const declare = { dryRun: true, documents: [{ organization: 'acme' }] };
    expect(
      (await ask({ method: 'POST', path: '/v1/declarations', body: declare, token })).status,
    ).toBe(403);
  });
});

async function partsChecked(token: string | undefined): Promise<unknown[]> {
  const { body } = await ask({ path: '/v1/checks', token });
  return Object.values(body).map((check) => (check as Record<string, unknown>)['part']);
}

test('that the audit trail is complete is checked for those who may verify it only', async () => {
  const [viewer, admin] = await Promise.all(['viewer', 'admin'].map((role) => tokenOf(role)));
  expect(await partsChecked(viewer)).toEqual(expect.arrayContaining(['database', 'temporal']));
  expect(await partsChecked(viewer)).not.toContain('audit trail');
  expect(await partsChecked(admin)).toContain('audit trail');
});

test.each([
  ['/v1/runs?secret=acme/ghost', 404, 'no-such-secret'],
  ['/v1/audit/export?from=2026-02-01&to=2026-01-01', 422, 'period-invalid'],
])('%s is refused, and no empty answer', async (path, status, code) => {
  const answer = await ask({ path, token: await tokenOf('admin') });
  expect([answer.status, answer.body['code']]).toEqual([status, code]);
});

test('a run that waits for a dependent is told when that one is retired', async () => {
  const timeouts = { mint: '2s', deliver: '2s', prove: '500ms' };
  const waiting = await openSecret(installation, 'waiting', {
    policy: { name: 'impatient', canary: false, timeouts },
  });
  try {
    const file = join(installation.folder, 'ghost.env');
    writeFileSync(file, 'SECRET=\n');
    await installation.apply({
      organization: 'acme',
      dependents: [{ name: 'ghost', owner: 'me' }],
      secrets: [
        {
          name: 'waiting',
          issuer: 'main',
          owner: 'team',
          policy: 'impatient',
          specification: { role: 'Viewer', validity: '1d', clientId: waiting.clientId },
          dependencies: [
            {
              dependent: 'ghost',
              connector: 'dotenv',
              destination: { file, variable: 'SECRET' },
              leastEvidence: 'observed',
              seenAs: { userAgent: 'ghost' },
              picksUpWithin: '0',
            },
          ],
        },
      ],
    });
    const runId = await waiting.ask('rotate');
    await eventually(
      async () => (await waiting.run(runId))['waitsCode'] === 'dependent-not-proven',
    );
    expect(await installation.api.post('/v1/dependents/acme/ghost/retire')).toEqual({
      retired: 'ghost',
      secrets: ['waiting'],
    });
    await eventually(
      async () => (await waiting.run(runId))['waitsCode'] !== 'dependent-not-proven',
    );
  } finally {
    await waiting.stop();
  }
});

describe('approvals', () => {
  interface Run {
    readonly hash: string;
    readonly waitsCode: string;
  }

  test('are of persons: not of who asked, under whichever token, nor of a program', async () => {
    await installation.apply({
      organization: 'watched',
      policies: [{ name: 'four-eyes', approvals: { kinds: ['rotate'] } }],
      secrets: [
        {
          name: 'api',
          issuer: 'main',
          owner: 'team',
          policy: 'four-eyes',
          specification: { role: 'Viewer' },
        },
      ],
    });
    const asked = await ask({
      method: 'POST',
      path: '/v1/secrets/watched/api/runs',
      token: await tokenOf('operator', { person: 'ada' }),
      body: { kind: 'rotate', reason: 'test', noDependentsKnown: true },
    });
    const path = `/v1/runs/${String(asked.body['runId'])}`;
    const run = async () => (await installation.api.get<{ run: Run }>(path)).run;
    await eventually(async () => (await run()).waitsCode === 'approval-needed');
    const plan = (await run()).hash.slice(0, 8);
    const approve = async (token: Promise<string>, shown = plan) => {
      const body = { plan: shown, reason: 'test' };
      const answer = await ask({
        method: 'POST',
        path: `${path}/approvals`,
        token: await token,
        body,
      });
      return [answer.status, answer.body['code'] ?? 'approved'];
    };
    expect(await approve(tokenOf('approver', { person: 'ada' }))).toEqual([403, 'not-allowed']);
    expect(await approve(tokenOf('approver', { holder: 'service' }))).toEqual([403, 'not-allowed']);
    const grace = tokenOf('approver', { person: 'grace' });
    expect(await approve(grace, '00000000')).toEqual([409, 'plan-changed']);
    expect(await approve(grace)).toEqual([200, 'approved']);
    await eventually(async () => (await run()).waitsCode !== 'approval-needed');
    const report = await installation.api.get<{ markdown: string }>(`${path}/report`);
    expect(report.markdown).toMatch(/## Approvals[^#]*grace/);
  });

  test('whoever may not contain cannot take away that others approve', async () => {
    const declare = async (role: 'operator' | 'security', document: object) =>
      ask({
        method: 'POST',
        path: '/v1/declarations',
        token: await tokenOf(role),
        body: { dryRun: false, documents: [{ organization: 'careful', ...document }] },
      });
    const rule = { kinds: ['rotate', 'revoke'] };
    const policy = (approvals?: object) => ({
      policies: [{ name: 'p', ...(approvals && { approvals }) }],
    });
    const secret = (more: object) => ({
      secrets: [
        { name: 's', issuer: 'main', owner: 'o', specification: { role: 'Viewer' }, ...more },
      ],
    });
    const both = { ...policy(rule), ...secret({ policy: 'p' }) };
    expect((await declare('operator', both)).status).toBe(200);
    expect((await declare('operator', both)).status).toBe(200);
    expect((await declare('operator', policy())).status).toBe(403);
    expect((await declare('operator', policy({ kinds: ['revoke'] }))).status).toBe(403);
    expect((await declare('operator', secret({}))).status).toBe(403);
    expect((await declare('security', policy())).status).toBe(200);
    expect((await declare('operator', secret({}))).status).toBe(200);
  });
});

describe('bad requests', () => {
  const path = '/v1/secrets/acme/api/runs';
  const post = async (body: unknown, headers = {}) =>
    ask({ method: 'POST', path, body, headers, token: await tokenOf('security') });

  test('are problem details with a stable code, all problems at once', async () => {
    const { status, type, body } = await post({
      kind: 'rotat',
      reason: '',
      extra: 1,
      replaceFirst: 'soon',
    });
    expect([status, type]).toEqual([422, 'application/problem+json; charset=utf-8']);
    expect(body['code']).toBe('body-invalid');
    const paths = (body['problems'] as { path: string }[]).map((problem) => problem.path).sort();
    expect(paths).toEqual(['body.extra', 'body.kind', 'body.reason', 'body.replaceFirst']);
  });
  test('not JSON', async () => {
    for (const body of ['{"kind":', '{"__proto__":{"kind":"rotate"}}'])
      expect(await post(body)).toMatchObject({
        status: 400,
        body: { code: 'bad-request', detail: expect.stringContaining('__proto__') },
      });
  });
  test('a compromise without the word revoke', async () => {
    expect((await post({ kind: 'compromise', reason: 'x' })).body).toMatchObject({
      code: 'confirmation-needed',
    });
  });
  test('an operator may not contain, nor accept an outage', async () => {
    const token = await tokenOf('operator');
    const compromise = { kind: 'compromise', reason: 'x', confirm: 'revoke' };
    const outage = {
      kind: 'rotate',
      reason: 'x',
      confirm: 'revoke',
      acceptOutage: { dependents: ['a'] },
    };
    for (const body of [compromise, outage]) {
      expect((await ask({ method: 'POST', path, body, token })).status).toBe(403);
    }
  });
  test.each([
    ['a dependent that is none', { acceptOutage: { dependents: ['nobody'] } }],
    ['a source that says nothing', { acceptOutage: { sources: [{}] } }],
    ['a source that nobody was seen as', { acceptOutage: { sources: [{ userAgent: 'none' }] } }],
    ['a version that is none', { versions: [randomUUID()] }],
    ['a reason that steers the terminal', { reason: 'a\u001b[2Jb' }],
    ['a reason with a zero byte', { reason: 'a\u0000b' }],
  ])('%s: nothing is done', async (_what, more) => {
    const kind = 'versions' in more ? 'compromise' : 'rotate';
    const body = { kind, reason: 'test', confirm: 'revoke', ...more };
    const answer = await ask({ method: 'POST', path, body, token: await tokenOf('admin') });
    expect([answer.status, answer.body['code']]).toEqual([422, 'body-invalid']);
  });

  test('bytes that are no text, in a path', async () => {
    const answer = await ask({ path: '/v1/secrets/acme/a%00b', token: await tokenOf('admin') });
    expect([answer.status, answer.body['code']]).toEqual([400, 'bad-request']);
  });

  test('an idempotency key that is none', async () => {
    expect(
      (await post({ kind: 'rotate', reason: 'x' }, { 'idempotency-key': 'a b' })).body,
    ).toMatchObject({ code: 'idempotency-key-invalid' });
  });
  test('a secret without dependents, unless that was said', async () => {
    await installation.apply({
      organization: 'acme',
      secrets: [{ name: 'lonely', issuer: 'main', owner: 'me', specification: { role: 'Viewer' } }],
    });
    const asked = {
      method: 'POST',
      path: '/v1/secrets/acme/lonely/runs',
      token: await tokenOf('operator'),
    };
    const body = { kind: 'rotate', reason: 'x' };
    expect((await ask({ ...asked, body })).body).toMatchObject({ code: 'no-dependents-known' });
    expect((await ask({ ...asked, body: { ...body, noDependentsKnown: true } })).status).toBe(200);
  });
  for (const [what, name] of [
    ['dots', '..%2Fetc'],
    ['a space', 'a%20b'],
    ['a look-alike', 'аcme'],
    ['10,000 characters', 'a'.repeat(10_000)],
  ] as const) {
    test(`a name with ${what}`, async () => {
      const { status } = await ask({
        path: `/v1/secrets/acme/${name}`,
        token: await tokenOf('viewer'),
      });
      expect([404, 414, 400]).toContain(status);
    });
  }
});

describe('one request, one run', () => {
  test('the same idempotency key twice is one run; with another body a conflict', async () => {
    const token = await tokenOf('operator');
    const asked = {
      method: 'POST',
      path: '/v1/secrets/acme/api/runs',
      token,
      headers: { 'idempotency-key': 'k1' },
    };
    const first = await ask({ ...asked, body: { kind: 'rotate', reason: 'x' } });
    const again = await ask({ ...asked, body: { kind: 'rotate', reason: 'x' } });
    expect(again.body).toEqual({ ...first.body, submission: 'repeated' });
    const other = await ask({ ...asked, body: { kind: 'rotate', reason: 'y' } });
    expect([other.status, other.body['code']]).toEqual([409, 'idempotency-key-reused']);
  });
});

describe('one request, one campaign', () => {
  const scope = { organization: 'idle', confirm: 'revoke', atOnce: 1, reason: 'x' };
  const host = { dependent: 'idle/host', leakedBefore: '2026-01-01T00:00:00Z', quarantine: true };
  let token: string;
  beforeAll(async () => {
    const specification = { role: 'Viewer', validity: '1d' };
    await installation.apply({
      organization: 'idle',
      dependents: [{ name: 'host', owner: 'me' }],
      secrets: [{ name: 'spare', issuer: 'main', owner: 'me', specification }],
    });
    token = await tokenOf('admin');
  });
  const begin = async (kind: string, body: object) => {
    const headers = { 'idempotency-key': kind };
    return ask({ method: 'POST', path: `/v1/${kind}s`, body, headers, token });
  };

  test.each([
    ['project', scope],
    ['incident', { ...scope, organization: undefined, ...host }],
  ])('the same key twice is one %s; with another body a conflict', async (kind, body) => {
    const first = await begin(kind, body);
    expect(first.status).toBe(200);
    if (kind === 'incident')
      await installation.api.post('/v1/dependents/idle/host/release', { reason: 'clean' });
    expect(await begin(kind, body)).toEqual(first);
    const other = await begin(kind, { ...body, reason: 'y' });
    expect([other.status, other.body['code']]).toEqual([409, 'idempotency-key-reused']);
    const all = await installation.api.get<{ about: string }[]>(`/v1/${kind}s`);
    expect(all.filter(({ about }) => about.includes('idle'))).toHaveLength(1);
  });

  test('an incident that would contain nothing, and quarantine nobody, is refused', async () => {
    const body = { ...scope, ...host, organization: undefined, quarantine: false };
    const said = await ask({ method: 'POST', path: '/v1/incidents', body, token });
    expect([said.status, said.body['code']]).toEqual([409, 'nothing-in-scope']);
  });

  test('whom somebody released is not withheld again by the same call', async () => {
    await expect(
      installation.api.post('/v1/dependents/idle/host/release', { reason: 'again' }),
    ).rejects.toMatchObject({ code: 'not-withheld' });
  });
});

describe('an outage that is accepted for a run', () => {
  const outage = { kind: 'accept-outage', acceptOutage: { dependents: ['api-env'] } };
  const unseen = { kind: 'accept-unseen-use' };
  let runId: string;
  beforeAll(async () => {
    runId = await secret.ask('rotate');
  });
  const decide = async (role: string, body: Record<string, unknown>) => {
    const path = `/v1/runs/${runId}/decisions`;
    const token = await tokenOf(role);
    return ask({ method: 'POST', path, token, body: { reason: 'x', ...body } });
  };

  for (const role of roles) {
    const may = hasRight(role, 'contain');
    for (const body of [outage, unseen]) {
      test(`${role} ${may ? 'may' : 'may not'} say ${body.kind}, and has to say the word`, async () => {
        const said = await decide(role, { ...body, confirm: 'revoke' });
        if (!may) return expect(said.status).toBe(403);
        // The run may have ended meanwhile: then nothing is accepted for it any more.
        expect([said.status === 200, said.body['code'] === 'run-ended']).toContain(true);
        const unsaid = await decide(role, body);
        return expect([unsaid.status, unsaid.body['code']]).toEqual([422, 'confirmation-needed']);
      });
    }
  }

  test.each([
    ['nobody at all', { kind: 'accept-outage' }],
    ['somebody with another decision', { ...outage, kind: 'skip', dependent: 'api-env' }],
    ['a source that says nothing', { ...outage, acceptOutage: { sources: [{}] } }],
  ])('that names %s: nothing is done', async (_what, body) => {
    const said = await decide('admin', { ...body, confirm: 'revoke' });
    expect([said.status, said.body['code']]).toEqual([422, 'body-invalid']);
  });
});

test("a guessed id of another organization's run is no run at all", async () => {
  await installation.apply({ organization: 'other' });
  const token = await tokenOf('admin', { organization: 'other' });
  const runs = await installation.api.get<{ run: string; organization: string }[]>('/v1/runs');
  const theirs = runs.find(({ organization }) => organization === 'acme');
  const guessed = await ask({ path: `/v1/runs/${theirs?.run.slice(0, 8) ?? ''}`, token });
  const missing = await ask({ path: '/v1/runs/00000000', token });
  expect([guessed.status, guessed.body['code']]).toEqual([404, 'no-such-run']);
  expect(guessed.body).toEqual(missing.body);
  expect(theirs).toBeDefined();
});

describe('declarations', () => {
  test('the same file twice changes nothing; a dry run changes nothing; dangling references are all named', async () => {
    const document = { organization: 'acme', dependents: [{ name: 'fresh', owner: 'me' }] };
    const declare = (dryRun: boolean, documents: unknown[]) =>
      installation.api.post<{ changes: { name: string }[] }>('/v1/declarations', {
        dryRun,
        documents,
      });
    expect((await declare(true, [document])).changes).toHaveLength(1);
    expect((await declare(false, [document])).changes).toHaveLength(1);
    expect((await declare(false, [document])).changes).toHaveLength(0);
    const dangling = {
      organization: 'acme',
      secrets: [
        {
          name: 'x',
          issuer: 'mian',
          owner: 'me',
          policy: 'none',
          specification: { role: 'Viewer' },
          dependencies: [
            {
              dependent: 'ghost',
              connector: 'dotenv',
              destination: { file: '/etc/x', variable: 'X' },
            },
          ],
        },
        {
          name: 'y',
          issuer: 'main',
          owner: 'me',
          policy: 'none',
          specification: { role: 'Vewer' },
        },
      ],
    };
    const { body } = await ask({
      method: 'POST',
      path: '/v1/declarations',
      token: await tokenOf('operator'),
      body: { dryRun: false, documents: [dangling] },
    });
    const told = JSON.stringify(body['problems']);
    expect(body['code']).toBe('declarations-invalid');
    expect(told).toContain('did you mean main');
    expect(told).toContain('role');
    expect((await ask({ path: '/v1/secrets/acme/x', token: await tokenOf('viewer') })).status).toBe(
      404,
    );
  });
});
