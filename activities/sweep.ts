/** The sweep over what the registry knows by itself: facts of a batch of secrets, rules, findings. */
import type { SweepBook, Told } from '../domain/sweep/book.js';
import type { SweptSecret } from '../domain/sweep/facts.js';
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
  const next = secrets.length < batch ? undefined : secrets.at(-1)?.secretId;
  const told = await judgeAll(sweeps, secrets);
  reached('sweep:judged');
  // The last batch of the last part of a sweep.
  if (next === undefined) await sweeps.noteSwept();
  return { secrets: secrets.length, ...told, next };
}

async function judgeAll(sweeps: SweepBook, secrets: readonly SweptSecret[]): Promise<Told> {
  const [first] = secrets;
  if (first === undefined) return { opened: 0, closed: 0 };
  const judged = secrets.map((secret) => ({ secretId: secret.secretId, ...judge(secret) }));
  return sweeps.write({ lookedAt: first.now, codes: judgedCodes, secrets: judged });
}
