import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { EventDraft, EventSubject, RouteRule } from '../../domain/event.js';
import type { Severity } from '../../domain/finding.js';
import { AdapterError } from '../../domain/errors.js';
import type { Channel, Message } from '../../infra/notify/kind.js';
import { smtp } from '../../infra/notify/smtp.js';
import { writeEvents } from '../../infra/registry/events.js';
import { closeFindings, writeFinding } from '../../infra/registry/findings.js';
import { claimMessages, recordSent } from '../../infra/registry/notifications.js';
import { tellNews } from '../../infra/registry/news.js';
import { endRun } from '../../infra/registry/run-end.js';
import { formerRoutes, giveUpFormer, routeStates, testRoute } from '../../infra/registry/routes.js';
import type { Loop } from '../../workers/loop.js';
import { startNotifier } from '../../workers/notifier.js';
import { eventually } from '../faults/installation.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';
import { serveMail } from './receiving.js';

let database: TestDatabase;
let subject: EventSubject;
beforeAll(async () => {
  database = await openDatabase();
  const { rows } = await database.ownerPool.query<{ id: string }>(
    `with o as (insert into rotor.organizations (name) values ('acme') returning id)
     insert into rotor.secrets (organization_id, name, owner, issuer, specification)
     select id, 'api', 'team', 'main', '{}' from o returning id`,
  );
  const of = { organization: 'acme', name: 'api', owner: 'team', labels: {} };
  subject = { secretId: rows[0]?.id ?? '', ...of };
});
afterAll(() => database.close());
afterEach(async () => {
  await database.ownerPool.query('truncate rotor.events, rotor.notifications, rotor.findings');
});

const named = (name: string, more: Partial<RouteRule> = {}): RouteRule => ({
  name,
  events: undefined,
  owners: undefined,
  organizations: undefined,
  labels: undefined,
  severity: 'info',
  digestMs: undefined,
  ...more,
});

const blocked = (more: Partial<EventDraft> = {}): EventDraft => ({
  kind: 'blocked',
  severity: 'warning',
  code: 'issuer-failed',
  message: 'the issuer refuses rotor',
  runId: undefined,
  sameness: randomUUID(),
  subject,
  ...more,
});

const tell = (routes: RouteRule[], ...drafts: EventDraft[]) =>
  writeEvents(database.pool, routes, drafts);

/** Time goes on for what waits. */
const letPass = (interval: string) =>
  database.ownerPool.query(
    `update rotor.notifications set due_at = due_at - $1::interval,
       give_up_at = give_up_at - $1::interval, claimed_until = claimed_until - $1::interval`,
    [interval],
  );

const rowsOf = async <T>(text: string) => (await database.pool.query(text)).rows as T[];

describe('a notifier', () => {
  let notifier: Loop | undefined;
  const warnings: string[] = [];
  beforeEach(() => void warnings.splice(0));
  afterEach(() => notifier?.stop());

  function start(routes: RouteRule[], channels: Record<string, Channel['send']>): void {
    notifier = startNotifier({
      pool: database.pool,
      identity: 'test',
      routes,
      channel: (route) => ({
        send: channels[route] ?? (() => Promise.reject(new Error(route))),
        check: () => Promise.resolve(''),
      }),
      reached: () => undefined,
      warn: (message) => warnings.push(message),
      everyMs: 20,
    });
  }

  const keeping = () => {
    const sent: Message[] = [];
    const send = (message: Message): Promise<void> => {
      sent.push(message);
      return Promise.resolve();
    };
    return { sent, send };
  };

  const failing = (): Promise<void> =>
    Promise.reject(new AdapterError('unreachable', 'the receiver cannot be reached'));

  test('tells what is written, once; the same within an hour is the same event, counted', async () => {
    const { sent, send } = keeping();
    const routes = [named('ops')];
    const sameness = 'blocked 1 issuer-failed';
    await tell(routes, blocked({ sameness }));
    await tell(routes, blocked({ sameness }));
    start(routes, { ops: send });
    await eventually(async () => sent.length === 1);
    expect(sent[0]?.events).toMatchObject([{ secret: 'acme/api', count: 2 }]);
    await database.ownerPool.query(`update rotor.events set at = at - interval '2 hours'`);
    await tell(routes, blocked({ sameness }));
    await eventually(async () => sent.length === 2);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(2);
  });

  test('mail that cannot be sent now is sent when its server is back', async () => {
    const { port, close } = await serveMail();
    await close();
    const from = 'rotor@acme.test';
    const options = { host: '127.0.0.1', port, tls: 'none', from, to: ['ops@acme.test'] };
    const routes = [named('mail')];
    start(routes, { mail: smtp.open(smtp.options.parse(options)).send });
    await tell(routes, blocked());
    await eventually(async () => warnings.includes('a notification was not delivered'));
    const [state] = await routeStates(database.pool, ['mail']);
    expect(state).toMatchObject({
      pending: 1,
      failure: 'unreachable: the mail server cannot be reached',
    });
    const server = await serveMail({ port });
    await letPass('1 minute');
    await eventually(async () => server.mails.length === 1);
    await eventually(async () => (await routeStates(database.pool, ['mail']))[0]?.pending === 0);
    await server.close();
  });

  test('one slow route holds up no other', async () => {
    const { sent, send } = keeping();
    let asked = 0;
    const slow: Channel['send'] = (_message, signal) => {
      asked += 1;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new AdapterError('timed-out', 'slow')));
      });
    };
    const routes = [named('slow'), named('quick')];
    await tell(routes, blocked());
    start(routes, { slow, quick: send });
    await eventually(async () => asked === 1 && sent.length === 1);
    await tell(routes, blocked());
    await eventually(async () => sent.length === 2);
    expect(asked).toBe(1);
  });

  test('what is not delivered for a day is a finding, which another route tells; it closes when one is delivered', async () => {
    const { sent, send } = keeping();
    let isUp = false;
    const routes = [named('down'), named('up')];
    start(routes, { down: (message) => (isUp ? send(message) : failing()), up: send });
    await tell([named('down')], blocked());
    await eventually(async () => warnings.length > 0);
    await letPass('2 days');
    const failed = "select closed_at from rotor.findings where code = 'notification-failed'";
    await eventually(async () => (await rowsOf(failed)).length === 1);
    await eventually(async () => sent.length === 1);
    expect(sent[0]?.events).toMatchObject([
      { kind: 'finding', code: 'notification-failed', secret: 'acme/api' },
    ]);
    expect(sent[0]?.events[0]?.message).toContain('the route down has delivered nothing for a day');
    const toDown = `select 1 from rotor.notifications where route = 'down' and state = 'pending'`;
    expect(await rowsOf(toDown)).toEqual([]);
    isUp = true;
    await tell([named('down')], blocked());
    await eventually(
      async () => (await rowsOf<{ closed_at: Date | null }>(failed))[0]?.closed_at !== null,
    );
  });

  test('where no route works, it ends: that this could not be told is not told', async () => {
    const routes = [named('one'), named('two')];
    start(routes, { one: failing, two: failing });
    await tell([named('one')], blocked());
    await eventually(async () => warnings.length > 0);
    await letPass('2 days');
    const pending = () => rowsOf(`select 1 from rotor.notifications where state = 'pending'`);
    await eventually(async () => (await rowsOf('select 1 from rotor.events')).length === 2);
    await eventually(async () => (await pending()).length === 1);
    await letPass('2 days');
    await eventually(async () => (await pending()).length === 0);
    const findings = 'select about from rotor.findings';
    expect(await rowsOf(findings)).toEqual([{ about: 'one' }]);
  });

  test.each([
    ['another route', ['new']],
    ['no route', []],
  ])('what waits for a route that is gone is given up and shown, with %s', async (_what, names) => {
    const { sent, send } = keeping();
    await tell([named('gone')], blocked());
    await letPass('1 hour');
    // Somebody else may have it: what is only just due is theirs.
    await tell([named('elsewhere')], blocked());
    start(
      names.map((name) => named(name)),
      { new: send },
    );
    const given = 'notifications of a route that is configured no more were given up';
    await eventually(async () => warnings.includes(given));
    expect(await formerRoutes(database.pool, names)).toEqual([
      expect.objectContaining({ route: 'elsewhere', pending: 1, failed: 0 }),
      expect.objectContaining({ route: 'gone', pending: 0, failed: 1 }),
    ]);
    expect(await formerRoutes(database.pool, ['gone', 'elsewhere'])).toEqual([]);
    expect(sent).toEqual([]);
  });

  test('findings are told, whoever writes them, and again when they are open again', async () => {
    const { sent, send } = keeping();
    const about = { code: 'revoked-use', about: 'v1', message: 'revoked v1 was tried' } as const;
    start([named('ops')], { ops: send });
    await writeFinding(database.pool, subject.secretId, about);
    await eventually(async () => sent.length === 1);
    expect(sent[0]?.events).toMatchObject([
      { kind: 'finding', owner: 'team', code: 'revoked-use' },
    ]);
    await writeFinding(database.pool, subject.secretId, about);
    await closeFindings(database.pool, subject.secretId, { code: about.code, abouts: ['v1'] });
    await database.ownerPool.query(`update rotor.events set at = at - interval '2 hours'`);
    await writeFinding(database.pool, subject.secretId, about);
    await eventually(async () => sent.length === 2);
    const old = { ...about, about: 'old' };
    await database.ownerPool.query(
      `insert into rotor.findings (secret_id, code, about, message, last_at)
       values ($1, $2, $3, $4, now() - interval '3 days')`,
      [subject.secretId, old.code, old.about, old.message],
    );
    await eventually(
      async () => (await rowsOf('select 1 from rotor.findings where told_at is null')).length === 0,
    );
    expect(await rowsOf('select 1 from rotor.events')).toHaveLength(2);
  });

  test('a finding that got worse is told again at once, and a muted one only then', async () => {
    const { sent, send } = keeping();
    start([named('ops')], { ops: send });
    const write = (code: 'straggler' | 'revoked-use', about: string, severity: Severity) =>
      writeFinding(database.pool, subject.secretId, { code, about, message: about, severity });
    await write('straggler', 'one', 'warning');
    await eventually(async () => sent.length === 1);
    await write('straggler', 'one', 'warning');
    await write('straggler', 'one', 'critical');
    await eventually(async () => sent.length === 2);
    expect(sent[1]?.events).toMatchObject([{ code: 'straggler', severity: 'critical' }]);
    await database.ownerPool.query(
      `update rotor.findings set closed_at = now(), muted_until = now() + interval '1 day',
         muted_by = 'ann', muted_reason = 'known', muted_severity = 'critical'`,
    );
    await write('straggler', 'one', 'critical');
    await write('revoked-use', 'two', 'critical');
    await eventually(async () => sent.length === 3);
    expect(sent[2]?.events).toMatchObject([{ code: 'revoked-use' }]);
    expect(await rowsOf('select about from rotor.findings where told_at is null')).toEqual([
      { about: 'one' },
    ]);
  });

  test('a compromise is told as soon as it is declared, with or without a workflow', async () => {
    const { sent, send } = keeping();
    start([named('ops', { events: ['compromise'] })], { ops: send });
    await database.ownerPool.query(
      `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key, request_fingerprint)
       values (gen_random_uuid(), $1, 'compromise', 'requested', 'ann', 'it leaked', 'k', 'f')`,
      [subject.secretId],
    );
    await eventually(async () => sent.length === 1);
    expect(sent[0]?.events).toMatchObject([
      { severity: 'critical', message: 'a compromise was declared by ann: it leaked' },
    ]);
    await database.ownerPool.query('delete from rotor.notifications');
    await database.ownerPool.query('delete from rotor.events');
    await database.ownerPool.query('delete from rotor.runs');
  });

  test('a run that was ended by its row alone has ended for those who are told, too', async () => {
    const { sent, send } = keeping();
    await database.ownerPool.query(
      `insert into rotor.runs (id, secret_id, kind, state, requested_by, reason, idempotency_key, request_fingerprint)
       select gen_random_uuid(), $1, 'rotate', 'requested', 'ann', 'it is time', 'k', 'f'`,
      [subject.secretId],
    );
    const [run] = await rowsOf<{ id: string }>('select id from rotor.runs');
    expect(await endRun(database.pool, run?.id ?? '', 'superseded')).toBe(true);
    expect(await endRun(database.pool, run?.id ?? '', 'superseded')).toBe(false);
    start([named('ops')], { ops: send });
    await eventually(async () => sent.length === 1);
    expect(sent[0]?.events).toMatchObject([
      { kind: 'run-finished', severity: 'warning', message: 'rotate has ended: superseded' },
    ]);
    await tellNews(database.pool, [named('ops')]);
    expect(await rowsOf('select count from rotor.events')).toEqual([{ count: '1' }]);
    await database.ownerPool.query('delete from rotor.runs');
  });

  test('a test is answered with what became of it', async () => {
    const { send } = keeping();
    start([named('ops'), named('down')], { ops: send, down: failing });
    const tried = (route: string) =>
      testRoute(database.pool, { route, by: 'ann', withinMs: 10_000 });
    expect(await tried('ops')).toMatchObject({ state: 'sent' });
    expect(await tried('down')).toMatchObject({
      state: 'failed',
      failure: 'unreachable: the receiver cannot be reached',
    });
    expect(await rowsOf('select 1 from rotor.findings')).toEqual([]);
  });
});

describe('a digest', () => {
  const routes = [named('chat', { digestMs: 900_000 })];
  const claim = () =>
    claimMessages(database.pool, { route: 'chat', claimant: 'test', claimMs: 60_000 });

  test('is due when its first event has waited; all that came meanwhile go with it', async () => {
    await tell(routes, blocked(), blocked());
    await letPass('10 minutes');
    await tell(routes, blocked());
    expect(await claim()).toEqual([]);
    await letPass('6 minutes');
    const [digest, ...others] = await claim();
    expect(others).toEqual([]);
    expect(digest).toMatchObject({ isDigest: true });
    expect(digest?.events).toHaveLength(3);
  });

  test('holds up nothing that is critical', async () => {
    await tell(routes, blocked(), blocked({ severity: 'critical' }));
    expect(await claim()).toMatchObject([{ isDigest: false, events: [{ severity: 'critical' }] }]);
  });

  test('that is sent again is the same one, whatever has come since', async () => {
    await tell(routes, blocked(), blocked());
    await letPass('1 hour');
    const [first] = await claim();
    await tell(routes, blocked());
    await letPass('1 hour');
    const again = await claim();
    const same = again.find(({ id }) => id === first?.id);
    expect(same?.events.map(({ id }) => id)).toEqual(first?.events.map(({ id }) => id));
    expect(same?.attempts).toBe(2);
  });

  test('is claimed by one of many', async () => {
    await tell(routes, ...Array.from({ length: 20 }, () => blocked()));
    await letPass('1 hour');
    const claims = await Promise.all(Array.from({ length: 5 }, claim));
    const claimed = claims.flat();
    expect(claimed).toHaveLength(1);
    expect(claimed[0]?.events).toHaveLength(20);
  });
});

test('single events are claimed by one of many, too', async () => {
  const routes = [named('ops')];
  await tell(routes, ...Array.from({ length: 12 }, () => blocked()));
  const claim = () =>
    claimMessages(database.pool, { route: 'ops', claimant: 'test', claimMs: 60_000 });
  const claims = (await Promise.all(Array.from({ length: 5 }, claim))).flat();
  expect(claims).toHaveLength(12);
  expect(new Set(claims.map(({ id }) => id)).size).toBe(12);
  for (const message of claims) await recordSent(database.pool, { route: 'ops', message });
  expect(await claim()).toEqual([]);
});

test('a route that is configured is given up by nobody, however long it has not worked', async () => {
  await tell([named('slow'), named('gone')], blocked());
  for (const about of ['slow', 'gone'])
    await writeFinding(database.pool, subject.secretId, {
      code: 'notification-failed',
      about,
      message: 'x',
    });
  await letPass('20 hours');
  expect(await giveUpFormer(database.pool, ['slow'])).toEqual(new Map([['gone', 1]]));
  expect(await routeStates(database.pool, ['slow'])).toMatchObject([{ pending: 1, failed: 0 }]);
  expect(await rowsOf('select about from rotor.findings where closed_at is null')).toEqual([
    { about: 'slow' },
  ]);
});

test('without a route nothing is written', async () => {
  await tell([], blocked());
  await tell([named('other', { owners: ['nobody'] })], blocked());
  expect(await rowsOf('select 1 from rotor.events')).toEqual([]);
});
