import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Finding } from '../../domain/finding.js';
import { openAudit } from '../../infra/registry/audit.js';
import { listFindings, muteFinding, unmuteFinding } from '../../infra/registry/finding-views.js';
import { closeExplained, closeFindings, writeFinding } from '../../infra/registry/findings.js';
import { openSweepBook } from '../../infra/registry/sweep.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;
const audit = openAudit(Buffer.alloc(32));
const in30Days = new Date(Date.now() + 30 * 86_400_000);

beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());

/** A secret of an organization of its own. */
async function secretOf(organization = `o-${randomUUID()}`) {
  const { rows } = await database.pool.query<{ id: string }>(
    `with o as (insert into rotor.organizations (name) values ($1) returning id)
     insert into rotor.secrets (organization_id, name, owner, issuer, specification)
     select id, 'api', 'team', 'main', '{}' from o returning id`,
    [organization],
  );
  return { secretId: rows[0]?.id ?? '', organization };
}

function parts() {
  return { pool: database.pool, audit };
}

const expiring = (severity: Finding['severity'] = 'warning'): Finding => ({
  code: 'expiring',
  about: 'v1',
  message: 'soon',
  severity,
  evidence: { left: 1 },
});

async function codesOf(organization: string | undefined, more = {}) {
  const rows = await listFindings(database.pool, { organization, ...more });
  return rows.map(({ code }) => code);
}

async function idOf(organization: string | undefined, code: string): Promise<string> {
  const rows = await listFindings(database.pool, { organization, all: true });
  return String(rows.find((row) => row['code'] === code)?.['finding']);
}

describe('a muted finding', () => {
  const by = 'ada';
  test('is not shown, comes back at its end, and at once where it gets worse', async () => {
    const { secretId, organization } = await secretOf();
    await writeFinding(database.pool, secretId, expiring());
    const finding = await idOf(organization, 'expiring');
    const named = { finding: finding.slice(0, 8), organization, by };
    await muteFinding(parts(), named, { until: in30Days, reason: 'it is replaced next week' });
    expect(await codesOf(organization)).toEqual([]);
    expect(await codesOf(organization, { all: true })).toEqual(['expiring']);
    await writeFinding(database.pool, secretId, expiring());
    expect(await codesOf(organization)).toEqual([]);
    await writeFinding(database.pool, secretId, expiring('critical'));
    expect(await codesOf(organization)).toEqual(['expiring']);
    await muteFinding(parts(), named, { until: in30Days, reason: 'still' });
    expect(await codesOf(organization)).toEqual([]);
    await database.pool.query(
      `update rotor.findings set muted_until = clock_timestamp() where id = $1`,
      [finding],
    );
    expect(await codesOf(organization)).toEqual(['expiring']);
  });

  test('is shown again where somebody says so, and both are in the audit trail', async () => {
    const { secretId, organization } = await secretOf();
    await writeFinding(database.pool, secretId, expiring());
    const named = { finding: await idOf(organization, 'expiring'), organization, by };
    await muteFinding(parts(), named, { until: in30Days, reason: 'known' });
    await unmuteFinding(parts(), named);
    expect(await codesOf(organization)).toEqual(['expiring']);
    const { rows } = await database.pool.query<{ actor: string; event: { change: string } }>(
      'select actor, event from rotor.audit where chain_id = $1 order by seq',
      [secretId],
    );
    expect(rows.map(({ actor, event }) => `${actor} ${event.change}`)).toEqual([
      'ada finding-muted',
      'ada finding-unmuted',
    ]);
    expect((await audit.verify(database.pool)).faults).toEqual([]);
  });

  test.each([
    ['that ended already', -1],
    ['of two years', 730],
  ])('with an end %s is refused', async (_name, days) => {
    const until = new Date(Date.now() + days * 86_400_000);
    const named = { finding: randomUUID(), organization: undefined, by };
    const muting = muteFinding(parts(), named, { until, reason: 'x' });
    await expect(muting).rejects.toMatchObject({ code: 'mute-invalid' });
  });

  test('of another organization is missing', async () => {
    const { secretId, organization } = await secretOf();
    await writeFinding(database.pool, secretId, expiring());
    const finding = await idOf(organization, 'expiring');
    const muting = muteFinding(
      parts(),
      { finding, organization: 'other', by },
      { until: in30Days, reason: 'x' },
    );
    await expect(muting).rejects.toMatchObject({ code: 'no-such-finding' });
  });
});

test('a finding of the installation has no secret: once, closed and open again, and not for one organization', async () => {
  const { organization } = await secretOf();
  const finding: Finding = { code: 'issuer-not-asked', about: 'main', message: 'away' };
  await writeFinding(database.pool, null, finding);
  await writeFinding(database.pool, null, { ...finding, message: 'still away' });
  const rows = await listFindings(database.pool, { organization: undefined, code: finding.code });
  expect(rows).toMatchObject([{ secret: null, message: 'still away', count: 2 }]);
  expect(await codesOf(organization)).toEqual([]);
  const id = await idOf(undefined, finding.code);
  const named = { finding: id, organization: undefined, by: 'ada' };
  await muteFinding(parts(), named, { until: in30Days, reason: 'it moves' });
  await unmuteFinding(parts(), named);
  expect((await audit.verify(database.pool)).faults).toEqual([]);
  await closeFindings(database.pool, null, { code: finding.code, abouts: ['main'] });
  expect(await codesOf(undefined)).not.toContain(finding.code);
  await writeFinding(database.pool, null, finding);
  expect(await codesOf(undefined)).toContain(finding.code);
});

test('the worst come first, and pages follow each other', async () => {
  const { secretId, organization } = await secretOf();
  for (const [about, severity] of [
    ['a', 'info'],
    ['b', 'critical'],
    ['c', 'warning'],
  ] as const)
    await writeFinding(database.pool, secretId, { ...expiring(severity), about });
  const [first, ...others] = await listFindings(database.pool, { organization });
  expect(first).toMatchObject({ severity: 'critical', owner: 'team', evidence: { left: 1 } });
  const after = String(first?.['finding']);
  expect(await listFindings(database.pool, { organization, after })).toEqual(others);
  expect(others.map(({ severity }) => severity)).toEqual(['warning', 'info']);
  expect(await codesOf(organization, { severity: 'info' })).toHaveLength(1);
});

test('use by nobody declared is closed once a declaration says who it is, and only then', async () => {
  const { secretId, organization } = await secretOf();
  const seen = (userAgent: string): Finding => ({
    code: 'undeclared-use',
    about: userAgent,
    message: userAgent,
    source: { userAgent },
  });
  for (const who of ['cron/1', 'stranger/1'])
    await writeFinding(database.pool, secretId, seen(who));
  await database.pool.query(
    `with t as (insert into rotor.dependents (organization_id, name, owner)
         select organization_id, 'cron', 'team' from rotor.secrets where id = $1 returning id),
       e as (insert into rotor.destinations (connector, identity, address)
         values ('memory', $1::uuid::text, '{}') returning id)
     insert into rotor.dependencies (secret_id, dependent_id, destination_id, owner, least_evidence, seen_as, picks_up_within_ms)
     select $1, t.id, e.id, 'team', 'observed', '{"userAgent": "cron/*"}', 0 from t, e`,
    [secretId],
  );
  await closeExplained(database.pool, [secretId]);
  const rows = await listFindings(database.pool, { organization });
  expect(rows.map(({ message }) => message)).toEqual(['stranger/1']);
});

describe('a page of the sweep', () => {
  test('opens what was found, closes what was not, and leaves what was found since', async () => {
    const { secretId, organization } = await secretOf();
    const book = openSweepBook(database.pool);
    const page = async (findings: Finding[], more: { before?: Date; settled?: boolean } = {}) =>
      book.write({
        lookedAt: more.before ?? new Date(Date.now() + 60_000),
        codes: ['expiring'],
        secrets: [
          {
            secretId,
            findings,
            settled: more.settled === true ? [{ code: 'straggler', about: 's' }] : [],
          },
        ],
      });
    expect(await page([expiring()])).toEqual({ opened: 1, closed: 0 });
    expect(await page([expiring()])).toEqual({ opened: 0, closed: 0 });
    await writeFinding(database.pool, secretId, { code: 'straggler', about: 's', message: 'm' });
    expect(await page([], { before: new Date(0) })).toEqual({ opened: 0, closed: 0 });
    expect(await page([])).toEqual({ opened: 0, closed: 1 });
    expect(await codesOf(organization)).toEqual(['straggler']);
    expect(await page([expiring()], { settled: true })).toEqual({ opened: 1, closed: 1 });
    expect(await codesOf(organization)).toEqual(['expiring']);
  });

  test('findings of a retired secret close, but for what outlives it, until that is settled', async () => {
    const { pool, ownerPool } = database;
    const { secretId, organization } = await secretOf();
    await writeFinding(pool, secretId, expiring());
    const lasting = ['revoked-use', 'clean-failed', 'task-overdue'] as const;
    for (const code of lasting)
      await writeFinding(pool, secretId, { code, about: 'r', message: 'm' });
    await ownerPool.query('update rotor.secrets set retired_at = now() where id = $1', [secretId]);
    await ownerPool.query(
      `insert into rotor.versions (id, secret_id, ordinal, state, origin, value)
       values (gen_random_uuid(), $1, 1, 'active', 'adopted', 'sealed')`,
      [secretId],
    );
    const change = (text: string) => ownerPool.query(`${text} where secret_id = $1`, [secretId]);
    await change(`update rotor.versions set state = 'ended', ended_cause = 'expired'`);
    const { closeForgotten } = openSweepBook(pool);
    await closeForgotten();
    expect((await codesOf(organization)).toSorted()).toEqual([...lasting].toSorted());
    await change(`update rotor.findings set last_at = now() - interval '32 days'`);
    await closeForgotten();
    expect((await codesOf(organization)).toSorted()).toEqual(['clean-failed', 'task-overdue']);
    await change(`update rotor.versions set value = 'destroyed'`);
    await closeForgotten();
    expect(await codesOf(organization)).toEqual(['task-overdue']);
  });

  test('knows which secrets a schedule rotates: by their own word, or their policy’s', async () => {
    const own = await secretOf();
    const none = await secretOf();
    await database.ownerPool.query(
      `update rotor.secrets set schedule = '{"every": "30d"}' where id = $1`,
      [own.secretId],
    );
    const byPolicy = await secretOf();
    await database.ownerPool.query(
      `with p as (insert into rotor.policies (organization_id, name, policy)
         select organization_id, 'p', '{"schedule": {"every": "30d"}}' from rotor.secrets where id = $1 returning id)
       update rotor.secrets set policy_id = p.id from p where rotor.secrets.id = $1`,
      [byPolicy.secretId],
    );
    const read = await openSweepBook(database.pool).read({ after: undefined, limit: 1_000 });
    const scheduled = [own, none, byPolicy].map(
      ({ secretId }) => read.find((one) => one.secretId === secretId)?.scheduled,
    );
    expect(scheduled).toEqual([true, false, true]);
  });
});
