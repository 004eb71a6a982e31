/** From asking to contain a leaked secret to the first refusal that somebody outside sees, on an idle installation. */
import { eventually, openInstallation, openSecret } from '../test/faults/installation.js';
import { containOnce } from './contain-once.js';
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
