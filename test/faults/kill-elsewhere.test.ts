import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type SecretOptions,
  type UsedSecret,
} from './installation.js';
import { openKillable, type Killable } from './killable.js';

let installation: Installation;
let api: Killable;
let worker: Killable;

beforeAll(async () => {
  installation = await openInstallation();
  api = openKillable(installation, 'api');
  worker = openKillable(installation, 'worker');
  await installation.ready();
});
afterAll(() => installation.close());

async function used(
  name: string,
  options: SecretOptions,
  work: (secret: UsedSecret) => Promise<void>,
): Promise<void> {
  const secret = await openSecret(installation, name, options);
  try {
    await work(secret);
  } finally {
    await secret.stop();
  }
}

/** Not only written: reported as written, too. */
async function isDelivered({ name }: UsedSecret): Promise<boolean> {
  const { rows } = await installation.database.pool.query(
    `select from rotor.deliveries y join rotor.versions v on v.id = y.version_id
     join rotor.secrets s on s.id = v.secret_id
     where s.name = $1 and v.ordinal = 2 and y.delivered_at is not null`,
    [name],
  );
  return rows.length > 0;
}

/** The worker dies at the point; the one after it lives. */
async function diesThere(point: string, cause: () => Promise<unknown>): Promise<void> {
  const died = worker.diesAt(point);
  await cause();
  await died;
  worker.start();
}

async function ends(secret: UsedSecret, runId: string, outcome: string): Promise<void> {
  await eventually(async () => (await secret.run(runId))['state'] === 'ended');
  expect(await secret.run(runId)).toMatchObject({ outcome });
  await eventually(async () => (await secret.workflowStatus()) === 'COMPLETED');
  expect(await secret.orphans()).toEqual([]);
  expect(secret.refused).toEqual([]);
}

async function isAsBefore(secret: UsedSecret): Promise<void> {
  const current = (await secret.versions()).filter((version) => version['current'] === true);
  expect(current).toMatchObject([{ version: 'v1', state: 'active', value: 'sealed' }]);
  expect(secret.values()).toEqual({ env: [secret.oldValue], list: [secret.oldValue] });
  expect(await secret.login(secret.oldValue, 'check')).toBe('accepted');
}

describe('the worker is killed (SIGKILL) on the way back', () => {
  for (const point of ['update:delivered', 'revoke:called', 'clean:ended']) {
    test(`at ${point} of an aborted rotation: everybody has the old value again, the new one is gone`, async () => {
      await used(`abort-${point.replace(':', '-')}`, {}, async (secret) => {
        // Nobody uses anything: the new value is delivered, and waits for its proof.
        secret.rest(true);
        const runId = await secret.ask('rotate');
        await eventually(() => isDelivered(secret));
        await diesThere(point, async () => {
          await secret.abort(runId);
          secret.rest(false);
        });
        await ends(secret, runId, 'rolled-back');
        await isAsBefore(secret);
      });
    });
  }

  test('after a write that was never reported, and the run is aborted: what may have been written is taken back', async () => {
    await used('unreported', {}, async (secret) => {
      const died = worker.diesAt('update:delivered');
      secret.rest(true);
      const runId = await secret.ask('rotate');
      await died;
      expect(secret.values().env).not.toEqual([secret.oldValue]);
      await secret.abort(runId);
      worker.start();
      secret.rest(false);
      await ends(secret, runId, 'rolled-back');
      await isAsBefore(secret);
    });
  });

  test('at disable:enabled of an aborted rotation: the old value works again, the new one is gone', async () => {
    const policy = { name: 'watchful', disablePeriod: '1m' };
    await used('brought-back', { policy }, async (secret) => {
      const runId = await secret.ask('rotate');
      await eventually(async () =>
        (await secret.versions()).some(({ state }) => state === 'disabled'),
      );
      await diesThere('disable:enabled', () => secret.abort(runId));
      await ends(secret, runId, 'rolled-back');
      await isAsBefore(secret);
    });
  });
});

describe('the worker is killed (SIGKILL) before a value was sealed, and once more while its credential ends', () => {
  for (const point of ['revoke:granted', 'revoke:called']) {
    test(`at ${point}: nothing is left behind, and the next rotation succeeds too`, async () => {
      await used(`twice-${point.replace(':', '-')}`, {}, async (secret) => {
        const first = worker.diesAt('create:minted');
        const runId = await secret.ask('rotate');
        await first;
        await worker.diesAt(point);
        worker.start();
        await ends(secret, runId, 'succeeded');
        await ends(secret, await secret.ask('rotate'), 'succeeded');
      });
    }, 120_000);
  }
});

describe('the API is killed (SIGKILL)', () => {
  async function apiDiesAt(point: string, cause: () => Promise<unknown>): Promise<void> {
    const died = api.diesAt(point);
    await expect(cause()).rejects.toMatchObject({ code: 'unreachable' });
    await died;
    api.start();
    await installation.ready();
  }

  test('at request:stored: the keeper starts the run, and asking again is the same request', async () => {
    await used('asked', {}, async (secret) => {
      const key = randomUUID();
      await apiDiesAt('request:stored', () => secret.ask('rotate', key));
      const runId = await secret.ask('rotate', key);
      await ends(secret, runId, 'succeeded');
      const { rows } = await installation.database.pool.query(
        `select from rotor.runs r join rotor.secrets s on s.id = r.secret_id where s.name = 'asked'`,
      );
      expect(rows).toHaveLength(1);
    });
  });

  test('at adopt:sealed: adopting again is one version, with its value, and it rotates', async () => {
    await used('adopted', { adopted: false }, async (secret) => {
      await apiDiesAt('adopt:sealed', () => secret.adopt());
      expect(await secret.versions()).toEqual([]);
      await secret.adopt();
      expect(await secret.versions()).toMatchObject([{ version: 'v1', value: 'sealed' }]);
      const { rows } = await installation.database.pool.query(
        `select from sealed.values s where not exists
           (select from rotor.versions v where v.id = s.version_id)`,
      );
      expect(rows).toHaveLength(0);
      await ends(secret, await secret.ask('rotate'), 'succeeded');
    });
  });
});
