import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  end,
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type Row,
  type UsedSecret,
} from './installation.js';

let installation: Installation;
beforeAll(async () => {
  installation = await openInstallation();
  installation.start('api');
  await installation.ready();
});
afterAll(() => installation.close());

/** A worker that dies at the point, once; resolves when it is dead. */
function diesAt(point: string): Promise<string | null> {
  installation.killAt(point);
  const armed = installation.start('worker');
  return new Promise((resolve) => armed.once('exit', (_code, signal) => resolve(signal)));
}

async function slotsOf(secret: UsedSecret): Promise<Row[]> {
  const { rows } = await installation.database.pool.query<Row>(
    `select l.state, r.outcome from rotor.schedule_slots l join rotor.secrets s on s.id = l.secret_id
     left join rotor.runs r on r.id = l.run_id where s.name = $1`,
    [secret.name],
  );
  return rows;
}

/** What was due a minute ago is due now: the next worker finds it. */
async function makeDue(secret: UsedSecret): Promise<void> {
  const { rowCount } = await installation.database.ownerPool.query(
    `update rotor.schedules set since = since - interval '61 minutes'
     where secret_id = (select id from rotor.secrets where name = $1)`,
    [secret.name],
  );
  expect(rowCount).toBe(1);
}

test.each(['schedule:claimed', 'schedule:rewritten'])(
  'a worker killed (SIGKILL) at %s: the slot became one run, which completes',
  async (point) => {
    const name = point.replace(':', '-');
    const schedule = { cron: '0 * * * *', lateAfter: '1d' };
    const secret = await openSecret(installation, name, { policy: { name, schedule } });
    const unarmed = installation.start('worker');
    const isScheduled = async (): Promise<boolean> => {
      const { rowCount } = await installation.database.pool.query(
        `select from rotor.schedules s join rotor.secrets c on c.id = s.secret_id where c.name = $1`,
        [name],
      );
      return rowCount === 1;
    };
    await eventually(isScheduled);
    await end(unarmed);
    await makeDue(secret);
    expect(await diesAt(point)).toBe('SIGKILL');
    const worker = installation.start('worker');
    const outcomes = async (): Promise<unknown[]> =>
      (await slotsOf(secret))
        .filter(({ state }) => state === 'requested')
        .map((row) => row['outcome']);
    await eventually(async () => (await outcomes()).includes('succeeded'));
    expect(await outcomes()).toEqual(['succeeded']);
    await secret.stop();
    expect(secret.refused).toEqual([]);
    expect(await secret.orphans()).toEqual([]);
    await end(worker);
  },
  120_000,
);

test.each(['sweep:judged', 'sweep:acted'])(
  'a worker killed (SIGKILL) at %s: the sweep goes on, and each finding is there once',
  async (point) => {
    const secret = await openSecret(installation, point.replace(':', '-'));
    await installation.authority(`/clients/${secret.clientId}/credentials`, {
      role: 'Viewer',
      expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
    });
    const dead = diesAt(point);
    const { workflowId } = await installation.api.post<{ workflowId: string }>('/v1/sweep', {});
    expect(await dead).toBe('SIGKILL');
    const worker = installation.start('worker');
    const told = () => installation.api.get<Row>(`/v1/sweep`);
    await eventually(async () => {
      const sweep = await told();
      return sweep['workflowId'] === workflowId && sweep['running'] === false;
    });
    expect(await told()).toMatchObject({ told: { outcome: 'swept', notAsked: [] } });
    const { rows } = await installation.database.pool.query<Row>(
      `select count(*)::int from rotor.findings f join rotor.secrets s on s.id = f.secret_id
       where s.name = $1 and f.code = 'unknown-credential' and f.closed_at is null`,
      [secret.name],
    );
    expect(rows).toEqual([{ count: 1 }]);
    await secret.stop();
    await end(worker);
  },
  120_000,
);
