import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import {
  end,
  eventually,
  openInstallation,
  openSecret,
  type Installation,
} from './installation.js';
import { pointsOfCompromise, pointsOfRotation } from './kill-points.js';

describe('the worker is killed (SIGKILL)', () => {
  let installation: Installation;
  let worker: ChildProcess;

  beforeAll(async () => {
    installation = await openInstallation();
    installation.start('api');
    await installation.ready();
  }, 60_000);
  afterAll(() => installation.close());

  async function killedAt(point: string, kind: 'rotate' | 'compromise'): Promise<void> {
    const name = `${kind}-${point.replace(':', '-')}`;
    const secret = await openSecret(installation, name);
    const once = join(installation.folder, `${name}.killed`);
    worker = installation.start('worker', { ROTOR_KILL_AT: point, ROTOR_KILL_ONCE: once });
    const killed = new Promise<string | null>((resolve) => {
      worker.once('exit', (_code, signal) => resolve(signal));
    });
    const runId = await secret.ask(kind);
    expect(await killed).toBe('SIGKILL');
    worker = installation.start('worker');
    await eventually(async () => (await secret.run(runId))['state'] === 'ended', 45_000);
    await secret.stop();
    expect(await secret.run(runId)).toMatchObject({ outcome: 'succeeded' });
    await eventually(async () => (await secret.workflowStatus()) === 'COMPLETED');
    expect(await secret.orphans()).toEqual([]);
    const current = (await secret.versions()).filter((version) => version['current'] === true);
    expect(current).toMatchObject([{ state: 'active', value: 'sealed' }]);
    const { env, list } = secret.values();
    expect(list).toEqual(env);
    expect(await secret.login(env[0] ?? '', 'check')).toBe('accepted');
    expect(await secret.login(secret.oldValue, 'check')).toBe('refused');
    if (kind === 'rotate') expect(secret.refused).toEqual([]);
    await end(worker);
  }

  for (const point of pointsOfRotation) {
    test(`at ${point} of a rotation: it completes, nothing is lost, nobody is refused`, async () => {
      await killedAt(point, 'rotate');
    }, 60_000);
  }
  for (const point of pointsOfCompromise) {
    test(`at ${point} of a compromise: it completes, nothing is lost`, async () => {
      await killedAt(point, 'compromise');
    }, 60_000);
  }
});
