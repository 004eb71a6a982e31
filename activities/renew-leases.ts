/** Keeps disabled versions disabled while their runs wait; a lease that cannot be renewed ends by itself, and that is told. */
import type { Issuer } from '../domain/issuer.js';
import { finishRenewal, newLease } from '../domain/steps/disable.js';
import { codeOf, hasEnded } from './failures.js';
import type { Ports } from './ports.js';
import { credentialRef } from './use.js';

interface Lease {
  readonly runId: string;
  readonly versionId: string;
}

type RenewalPorts = Pick<Ports, 'registry' | 'warn'>;

/** Where disabling does not end by itself there is nothing to renew, and a call too late would last for ever. */
export async function renewLeases(
  ports: RenewalPorts,
  name: string,
  issuer: Issuer,
): Promise<void> {
  if (issuer.traits.disable !== 'expires') return;
  for (const lease of await ports.registry.dueLeases(name)) {
    try {
      await renew(ports, issuer, lease);
    } catch (error) {
      ports.warn('a disabled version could not be kept disabled', {
        ...lease,
        code: codeOf(error),
      });
    }
  }
}

/** The run may have enabled it between the reading and the call: then it has to work again. */
async function renew(
  { registry }: RenewalPorts,
  issuer: Issuer,
  { runId, versionId }: Lease,
): Promise<void> {
  const facts = await registry.read(runId);
  const ref = credentialRef(facts, versionId);
  if (ref === undefined || issuer.disable === undefined) return;
  const { until, issuerUntil } = newLease(facts);
  await issuer.disable(ref, issuerUntil);
  const held = await finished(registry, { runId, versionId }, until);
  if (!held) await issuer.enable?.(ref);
}

/** A registry that does not answer is no reason to enable: the lease that was renewed ends by itself. */
async function finished(
  registry: Ports['registry'],
  { runId, versionId }: Lease,
  until: Date,
): Promise<boolean> {
  try {
    return await registry.decide(runId, (now) => finishRenewal(now, versionId, until));
  } catch (error) {
    if (hasEnded(error)) return false;
    throw error;
  }
}
