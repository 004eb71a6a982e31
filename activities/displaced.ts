/** A value that a write would displace is sealed first; it may be the unknown value of an adopted version. */
import type { KnownValue } from '../domain/connector.js';
import type { Facts } from '../domain/facts.js';
import type { SecretValue } from '../domain/secret-value.js';
import { destinationFor, type DeliveryOrder } from '../domain/steps/update.js';
import { record, type Ports } from './ports.js';
import { credentialRef } from './use.js';
import { isAccepted } from './values.js';

interface Displacing {
  readonly ports: Ports;
  readonly runId: string;
  readonly order: DeliveryOrder;
}

/** Returns what is known afterwards. Repeating it finds the value known, or sealed already. */
export async function sealDisplaced(
  displacing: Displacing,
  unknown: readonly SecretValue[],
): Promise<KnownValue[]> {
  const found: KnownValue[] = [];
  for (const value of unknown) {
    const versionId = await recognize(displacing, value);
    if (versionId === undefined) await keep(displacing, value);
    else found.push({ versionId, value });
  }
  return found;
}

/** The version without a known value whose credential accepts it. Never probed where that would count as use. */
async function recognize(
  { ports, runId }: Displacing,
  value: SecretValue,
): Promise<string | undefined> {
  const facts = await ports.registry.read(runId);
  const issuer = ports.issuer(facts.secret.issuer);
  if (!issuer.traits.tellsProbesApart) return undefined;
  for (const { versionId } of facts.versions.filter((v) => v.value === 'unknown')) {
    if (!(await accepts({ ports, facts }, versionId, value))) continue;
    await ports.store.put(versionId, value);
    await record(ports, runId, [{ change: 'value-known', versionId, value: 'sealed' }]);
    return versionId;
  }
  return undefined;
}

async function accepts(
  { ports, facts }: { ports: Ports; facts: Facts },
  versionId: string,
  value: SecretValue,
): Promise<boolean> {
  const ref = credentialRef(facts, versionId);
  if (ref === undefined) return false;
  const mark = ports.newId();
  await record(ports, facts.run.runId, [{ change: 'probe-marked', versionId, mark }]);
  return isAccepted(ports.issuer(facts.secret.issuer), { ref, value, mark });
}

/** Nobody's that we know: a list keeps it; elsewhere it is sealed under an id that the finding names. */
async function keep({ ports, runId, order }: Displacing, value: SecretValue): Promise<void> {
  const { dependent, identity, connector } = order.dependency;
  const stays = ports.connector(connector).traits(destinationFor(order)).holdsSeveral;
  const keptAs = ports.keptId(identity, value);
  if (!stays) await ports.store.put(keptAs, value);
  const where = stays ? 'it stays there' : `kept as ${keptAs}`;
  const message = `${dependent} held a value that rotor does not know (${identity}); ${where}`;
  const about = stays ? identity : keptAs;
  await record(ports, runId, [
    { change: 'found', finding: { code: 'unknown-value', about, message } },
  ]);
}
