import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openMetrics } from '../../api/metrics.js';
import { readFigures, type Figures } from '../../infra/registry/figures.js';
import { openSweepBook } from '../../infra/registry/sweep.js';
import { eventually, openInstallation, type Installation } from '../faults/installation.js';
import type { Proxies } from '../faults/proxy.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

describe('an installation whose servers are taken away', () => {
  let installation: Installation;
  let proxies: Proxies;
  beforeAll(async () => {
    installation = await openInstallation(undefined, { proxied: true });
    if (installation.proxies === undefined) throw new Error('no proxies');
    proxies = installation.proxies;
    installation.start('api');
    await installation.ready();
  });
  afterAll(() => installation.close());

  async function look(path: string) {
    const response = await fetch(`${installation.url}${path}`);
    return { status: response.status, body: (await response.json()) as unknown };
  }

  test('is ready while both answer', async () => {
    const parts = { database: 'answers', temporal: 'answers' };
    expect(await look('/readyz')).toEqual({ status: 200, body: { status: 'ready', parts } });
    expect(await look('/livez')).toEqual({ status: 200, body: { status: 'alive' } });
  });

  test.each(['database', 'temporal'] as const)(
    'says that the %s is away, and no word more; it lives on, and is ready again afterwards',
    async (part) => {
      proxies[part].cut();
      await eventually(async () => (await look('/readyz')).status === 503);
      const parts = { database: 'answers', temporal: 'answers', [part]: 'away' };
      expect(await look('/readyz')).toEqual({ status: 503, body: { status: 'not ready', parts } });
      expect((await look('/livez')).status).toBe(200);
      proxies[part].mend();
      await eventually(async () => (await look('/readyz')).status === 200);
    },
  );

  test('gives its metrics to whoever may read, of their organization only', async () => {
    const read = async (token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(`${installation.url}/metrics`, { headers });
      return { type: response.headers.get('content-type'), text: await response.text() };
    };
    await installation.apply({
      organization: 'acme',
      secrets: [{ name: 'api', issuer: 'main', owner: 'me', specification: { role: 'Viewer' } }],
    });
    await installation.apply({ organization: 'other' });
    const tokenFor = async (organization?: string) => {
      const body = { name: `t-${randomUUID().slice(0, 8)}`, organization };
      const more = { holder: 'service', role: 'viewer', validFor: '1h' };
      return (await installation.api.post<{ token: string }>('/v1/tokens', { ...body, ...more }))
        .token;
    };
    const all = await read(await tokenFor());
    expect(all.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(all.text).toContain('rotor_secret_overdue{organization="acme",secret="api"} 0');
    const theirs = await read(await tokenFor('other'));
    expect(theirs.text).toContain('rotor_secrets 0');
    expect(theirs.text).not.toContain('acme');
    expect((await read()).text).toContain('unauthenticated');
  });
});

describe('figures', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openDatabase();
    await fill(database);
  });
  afterAll(() => database.close());
  const figures = (most = 10) => readFigures(database.pool, undefined, most);

  test('are what the registry says', async () => {
    const read = await figures();
    expect(read).toMatchObject({ secrets: 2, overdue: 1, refusals: 7 });
    expect(read.open).toEqual([{ kind: 'compromise', count: 1 }]);
    expect(read.blocked).toEqual([{ code: 'issuer-failed', count: 1 }]);
    expect(read.findings).toEqual([
      { code: 'issuer-implausible', count: 1 },
      { code: 'revoked-use', count: 1 },
    ]);
    expect(read).toMatchObject({ recovering: false, sweptAt: null });
    const { findings: ofOne } = await readFigures(database.pool, 'acme', 10);
    expect(ofOne.map(({ code }) => code)).toEqual(['revoked-use']);
    expect(read.containSeconds).toEqual([3]);
    const [old] = read.each;
    expect(old).toMatchObject({ organization: 'acme', secret: 'old', overdue: true });
    expect(Math.round((old?.ageSeconds ?? 0) / 3_600)).toBe(48);
    expect(Math.round((old?.recordAgeSeconds ?? 0) / 60)).toBe(5);
    expect(old?.succeededAt).toBeGreaterThan(Date.now() / 1_000 - 3_700);
  });

  test('list no more secrets than wanted, those with the oldest versions; all are counted', async () => {
    const read = await figures(1);
    expect(read.each.map(({ secret }) => secret)).toEqual(['old']);
    expect(await openMetrics(() => Promise.resolve(read))(undefined)).toContain(
      'rotor_secrets_not_listed 1',
    );
  });

  test('as text have units in their names, and the latency of containing as a histogram', async () => {
    const text = await openMetrics(() => figures())(undefined);
    expect(text).toMatch(/rotor_version_age_seconds\{organization="acme",secret="old"\} 1728\d\d/);
    expect(text).toContain('rotor_retired_version_refusals_total 7');
    expect(text).toContain('rotor_recovering 0');
    expect(text).not.toContain('rotor_last_sweep');
    await openSweepBook(database.pool).noteSwept();
    const swept = await openMetrics(() => figures())(undefined);
    expect(swept).toMatch(/\nrotor_last_sweep_timestamp_seconds 1\d{9}/);
    expect(text).toContain('rotor_runs_blocked{code="issuer-failed"} 1');
    expect(text).toContain('rotor_contain_queue_seconds_bucket{le="2"} 0');
    expect(text).toContain('rotor_contain_queue_seconds_bucket{le="5"} 1');
  });

  test('are counted once for all who ask at the same time, and again after a failure', async () => {
    const read = await figures();
    let asked = 0;
    const answers: (() => Promise<Figures>)[] = [
      () => Promise.reject(new Error('away')),
      () => Promise.resolve(read),
    ];
    const metrics = openMetrics(() => (answers[asked++] ?? (() => Promise.resolve(read)))());
    await expect(metrics(undefined)).rejects.toThrow('away');
    await Promise.all([metrics(undefined), metrics(undefined), metrics(undefined)]);
    expect(asked).toBe(2);
  });
});

/** An old secret that was rotated an hour ago, has expired, was tried after its revoke, and is contained right now; and another one. */
async function fill({ ownerPool }: TestDatabase): Promise<void> {
  await ownerPool.query(`
    insert into rotor.organizations (name) values ('acme');
    insert into rotor.secrets (organization_id, name, owner, issuer, specification)
      select o.id, n, 'team', 'main', '{}' from rotor.organizations o, unnest(array['old', 'new']) n;
    insert into rotor.versions (id, secret_id, ordinal, state, origin, value, is_current, activated_at, expires_at)
      select gen_random_uuid(), id, 2, 'active', 'adopted', 'unknown', true, now() - interval '2 days',
        now() - interval '1 minute' from rotor.secrets where name = 'old';
    insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
      select gen_random_uuid(), id, 1, 'active', 'adopted', 'unknown' from rotor.secrets where name = 'old';
    update rotor.versions set state = 'ended', ended_cause = 'expired' where ordinal = 1;
    insert into rotor.use (version_id, source_key, outcome, minute, source, first_at, last_at, count)
      select v.id, o.outcome, o.outcome, now(), '{}', now(), now(), 7 from rotor.versions v,
        unnest(array['accepted', 'refused']) o(outcome) where v.ordinal = 1 or o.outcome = 'refused';
    insert into rotor.use_records (secret_id, kind, complete_through, continuous_since, resolution_ms, skew_ms)
      select id, 'exact', now() - interval '5 minutes', now(), 0, 0 from rotor.secrets where name = 'old';
    insert into rotor.findings (secret_id, code, about, message)
      select id, 'revoked-use', 'x', 'x' from rotor.secrets where name = 'old'
      union all select null, 'issuer-implausible', 'main', 'x';
    insert into rotor.findings (secret_id, code, about, message, muted_until, muted_by, muted_reason, muted_severity)
      select id, 'unused', 'x', 'x', now() + interval '1 day', 'me', 'x', 'warning' from rotor.secrets where name = 'old';
    insert into rotor.runs (id, secret_id, kind, state, outcome, requested_by, reason, idempotency_key,
        request_fingerprint, requested_at, started_at, ended_at, waits_code)
      select gen_random_uuid(), id, r.kind, r.state, r.outcome, 'me', 'x', r.kind, 'x', now() - interval '2 hours',
        now() - interval '2 hours' + interval '3 seconds', r.ended, r.code
      from rotor.secrets, (values
        ('rotate', 'ended', 'succeeded', now() - interval '1 hour', null),
        ('compromise', 'running', null, null, 'issuer-failed')) r(kind, state, outcome, ended, code)
      where name = 'old';`);
}
