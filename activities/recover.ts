/** The beginning and the end of a recovery: what the set-back left running stops first, and revoking is possible last. */
import type { RecoveredRow, RecoveryOrder } from '../domain/recovery.js';
import type { Ports } from './ports.js';

export interface RecoveryBegun {
  readonly issuers: readonly string[];
  readonly rows: readonly RecoveredRow[];
}

export async function beginRecovery(
  { registry, strays }: Ports,
  order: RecoveryOrder,
): Promise<RecoveryBegun> {
  if (!order.dryRun) await registry.recovery.begin(order);
  const { rows, goingOn } = await registry.recovery.endRuns(order);
  const workflows = await strays.end(order, goingOn);
  return { issuers: await registry.sweeps.issuers(), rows: [...rows, ...workflows] };
}

export interface RecoveryEnding {
  readonly order: RecoveryOrder;
  readonly counts: Readonly<Record<string, number>>;
}

export async function endRecovery(
  { registry, tell }: Ports,
  { order, counts }: RecoveryEnding,
): Promise<void> {
  const waiting = await registry.recovery.end(order, counts);
  for (const secretId of waiting) await tell(secretId, { what: 'recovered', by: order.by });
}
