import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { heldSchedule } from '../../client/schedules.js';
import { scheduleId } from '../../domain/schedule.js';
import { openInstallation, type Installation } from '../faults/installation.js';
import { schedulesReady, sharedTemporal } from '../harness/temporal.js';
import { openSession, type Session } from './session.js';

let installation: Installation;
let session: Session;
let connection: Connection;

/** Without a worker: what is decided shows in Temporal by the API alone. */
beforeAll(async () => {
  installation = await openInstallation();
  session = openSession(installation);
  installation.start('api');
  await installation.ready();
  connection = await Connection.connect({ address: sharedTemporal().address });
  await schedulesReady();
  await declare({ at: 'monthly on 1 10:00' });
});
afterAll(async () => {
  await connection.close();
  session.close();
  await installation.close();
});

function declare(schedule: unknown) {
  return installation.apply({
    organization: 'acme',
    policies: [{ name: 'monthly', schedule: { zone: 'Europe/Berlin', ...(schedule as object) } }],
    secrets: [
      {
        name: 'calm',
        issuer: 'main',
        owner: 'team',
        policy: 'monthly',
        specification: { role: 'Viewer', validity: '1d', clientId: 'calm' },
      },
    ],
  });
}

async function held() {
  const { namespace } = sharedTemporal();
  const client = new Client({ connection, namespace });
  const { secretId } = await installation.api.get<{ secretId: string }>('/v1/secrets/acme/calm');
  return heldSchedule({ client, taskQueue: 'any' }, secretId);
}

/** What the command prints, fine or not. */
async function rotor(...args: string[]): Promise<string> {
  const { out, err } = await session.rotor(['schedule', ...args]);
  return `${out}${err}`;
}

test('the next ten slots of a secret, in local time', async () => {
  const lines = (await rotor('next', 'acme/calm')).trimEnd().split('\n');
  expect(lines[0]).toBe('acme/calm  monthly on 1 10:00  Europe/Berlin');
  const slots = lines.filter((line) => /^\d{4}-\d\d-01 10:00/.test(line));
  expect(slots).toHaveLength(10);
  expect(slots.every((line) => line.slice(0, 16) === line.slice(18, 34))).toBe(true);
  expect(await rotor('next', 'acme/calm', '--count', '0')).toContain('expected a number from 1');
});

test('an edit takes effect at once, and a slot says why it was moved', async () => {
  const before = await held();
  const january = `${new Date().getUTCFullYear() + 1}-01`;
  const blackouts = [{ from: `${january}-01`, to: `${january}-06`, reason: 'freeze' }];
  await declare({ cron: '0 10 1 1 *', blackouts });
  const after = await held();
  expect(after?.at).not.toEqual(before?.at);
  expect(after?.at).toEqual(new Date(`${january}-06T23:00:00Z`));
  expect(after?.note).toBe(
    `${january}-01T10:00 Europe/Berlin (blackout until ${january}-06: freeze)`,
  );
  expect(await rotor('next', 'acme/calm')).toMatch(
    new RegExp(
      `${january}-01 10:00 +${january}-07 00:00 +in \\d+d +blackout until ${january}-06: freeze`,
    ),
  );
});

test('pause, resume and skip show in the list and in Temporal', async () => {
  await declare({ cron: '0 10 1 1 *' });
  const year = new Date().getUTCFullYear() + 1;
  expect(await rotor('pause', 'acme/calm', '--reason', 'audit')).toContain('is paused');
  expect(await held()).toMatchObject({
    paused: true,
    note: 'paused through rotor: first-admin: audit',
  });
  expect(await rotor('list')).toContain('paused by first-admin: audit');
  expect(await rotor('resume', 'acme/calm', '--reason', 'over')).toContain('is resumed');
  expect(await held()).toMatchObject({ paused: false });
  expect(await rotor('resume', 'acme/calm', '--reason', 'over')).toContain('not-paused');

  expect(await rotor('skip', 'acme/calm', '--reason', 'party')).toBe(
    `slot ${year}-01-01T10:00 Europe/Berlin is skipped\n`,
  );
  expect((await held())?.at).toEqual(new Date(`${year + 1}-01-01T09:00:00Z`));
  expect(await rotor('next', 'acme/calm')).toMatch(/01-01 10:00 +skipped +first-admin: party/);
  expect(await rotor('skip', 'acme/calm', '--slot', '2000-01-01T10:00', '--reason', 'x')).toContain(
    'no-such-slot',
  );
  const { rows } = await installation.database.pool.query<{ event: { change: string } }>(
    `select event from rotor.audit a join rotor.secrets s on s.id = a.chain_id order by seq`,
  );
  expect(rows.map(({ event }) => event.change).slice(-3)).toEqual([
    'schedule-paused',
    'schedule-resumed',
    'slot-skipped',
  ]);
});

test('a pause that was made in Temporal just now is ended by resume', async () => {
  const { secretId } = await installation.api.get<{ secretId: string }>('/v1/secrets/acme/calm');
  const client = new Client({ connection, namespace: sharedTemporal().namespace });
  await client.schedule.getHandle(scheduleId(secretId)).pause('migration of the cluster');
  expect(await rotor('resume', 'acme/calm', '--reason', 'over')).toContain('is resumed');
  expect(await held()).toMatchObject({ paused: false });
});

test('a schedule that is no longer declared is no longer in Temporal', async () => {
  await installation.apply({ organization: 'acme', policies: [{ name: 'monthly' }] });
  expect(await held()).toBeUndefined();
  expect(await rotor('next', 'acme/calm')).toContain('no-schedule');
});
