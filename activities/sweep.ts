/** The sweep over what the registry knows by itself: facts of a batch of secrets, rules, findings. */
import { judge, judgedCodes } from '../domain/sweep/judge.js';
import type { Swept, SweepBegun } from '../domain/sweep/progress.js';
import type { Ports } from './ports.js';

const batch = 2_000;

export async function beginSweep({ registry: { sweeps } }: Ports): Promise<SweepBegun> {
  if (await sweeps.isRecovering()) return { recovering: true, issuers: [] };
  await sweeps.closeForgotten();
  return { recovering: false, issuers: await sweeps.issuers() };
}

export async function sweepRegistry(
  { registry: { sweeps }, reached }: Pick<Ports, 'registry' | 'reached'>,
  { after }: { readonly after: string | undefined },
): Promise<Swept> {
  const secrets = await sweeps.read({ after, limit: batch });
  const [first] = secrets;
  if (first === undefined) return { secrets: 0, opened: 0, closed: 0, next: undefined };
  const judged = secrets.map((secret) => ({ secretId: secret.secretId, ...judge(secret) }));
  const told = await sweeps.write({ lookedAt: first.now, codes: judgedCodes, secrets: judged });
  reached('sweep:judged');
  const next = secrets.length < batch ? undefined : secrets.at(-1)?.secretId;
  return { secrets: secrets.length, ...told, next };
}
