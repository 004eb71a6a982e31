/** A worker that is killed at a point of a run and started again: the run completes, and nothing is lost. */
import { expect } from '@jest/globals';
import { eventually, openSecret, type Installation } from './installation.js';
import type { Killable } from './killable.js';

export interface Killed {
  readonly kind: 'rotate' | 'compromise';
  readonly point: string;
}

export async function surviveKill(
  installation: Installation,
  worker: Killable,
  { kind, point }: Killed,
): Promise<void> {
  const name = `${kind}-${point.replace(':', '-')}`;
  const secret = await openSecret(installation, name);
  const died = worker.diesAt(point);
  const runId = await secret.ask(kind);
  await died;
  worker.start();
  await eventually(async () => (await secret.run(runId))['state'] === 'ended');
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
}
