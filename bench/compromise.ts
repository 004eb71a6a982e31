/** From asking to contain a leaked secret to the first refusal that somebody outside sees, on an idle installation. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  eventually,
  openInstallation,
  openSecret,
  type UsedSecret,
} from '../test/faults/installation.js';
import { quantile, type Line } from './measure.js';

const rounds = 20;

export async function compromiseBench(): Promise<Line[]> {
  const installation = await openInstallation();
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  const secret = await openSecret(installation, 'leaky');
  await eventually(() => Promise.resolve(installation.log('worker').includes('worker is ready')));
  await containOnce(secret);
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) took.push(await containOnce(secret));
  await secret.stop();
  await installation.close();
  const p95 = quantile(took, 0.95);
  const measured = `${p95.toFixed(0)} ms (median ${quantile(took, 0.5).toFixed(0)} ms)`;
  return [{ what: 'compromise → refused, p95', measured, goal: '≤ 250 ms', met: p95 <= 250 }];
}

async function containOnce(secret: UsedSecret): Promise<number> {
  const [leaked = ''] = secret.values().env;
  const began = performance.now();
  const asked = secret.ask('compromise');
  while ((await secret.login(leaked, 'observer')) !== 'refused') await pause(2);
  const took = performance.now() - began;
  const runId = await asked;
  await eventually(async () => (await secret.run(runId))['state'] === 'ended');
  return took;
}
