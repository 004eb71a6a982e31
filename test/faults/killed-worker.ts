/** A worker that is killed at a point of a run and started again: the run completes, and nothing is lost. */
import { expect } from '@jest/globals';
import { join } from 'node:path';
import { end, eventually, openSecret, type Installation } from './installation.js';

export interface Killed {
  readonly kind: 'rotate' | 'compromise';
  readonly point: string;
}

export async function surviveKill(
  installation: Installation,
  { kind, point }: Killed,
): Promise<void> {
  const name = `${kind}-${point.replace(':', '-')}`;
  const secret = await openSecret(installation, name);
  const once = join(installation.folder, `${name}.killed`);
  const armed = installation.start('worker', { ROTOR_KILL_AT: point, ROTOR_KILL_ONCE: once });
  const killed = new Promise<string | null>((resolve) => {
    armed.once('exit', (_code, signal) => resolve(signal));
  });
  const runId = await secret.ask(kind);
  expect(await killed).toBe('SIGKILL');
  const worker = installation.start('worker');
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
