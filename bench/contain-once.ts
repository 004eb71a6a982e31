/** From asking to contain a leaked secret to the first refusal that somebody outside sees, in milliseconds. */
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, type UsedSecret } from '../test/faults/installation.js';

export async function containOnce(secret: UsedSecret): Promise<number> {
  const [leaked = ''] = secret.values().env;
  const began = performance.now();
  const asked = secret.ask('compromise');
  while ((await secret.login(leaked, 'observer')) !== 'refused') await pause(2);
  const took = performance.now() - began;
  const runId = await asked;
  await eventually(async () => (await secret.run(runId))['state'] === 'ended');
  return took;
}
