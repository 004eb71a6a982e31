/** What an issuer lists may show that the registry has lost rows: looked at wherever a listing is read anyway. */
import type { Facts } from '../domain/facts.js';
import type { Credential } from '../domain/issuer.js';
import { fullName } from '../domain/plan.js';
import type { Ports } from './ports.js';

export function setBackBy(
  issuer: string,
  { name, credentialId }: { readonly name: string; readonly credentialId: string },
): string {
  return `issuer ${issuer} has ${credentialId} of ${name}, which carries rotor's tag, and the registry has lost it`;
}

/** From then on the gate holds back every revoke. */
export async function noticeSetBack(
  { registry }: Pick<Ports, 'registry'>,
  facts: Facts,
  listed: readonly Credential[],
): Promise<void> {
  const known = new Set(facts.versions.map(({ versionId }) => versionId));
  const tagged = listed.flatMap(({ credentialId, tag }) =>
    tag.kind === 'ours' && !known.has(tag.versionId)
      ? [{ credentialId, versionId: tag.versionId }]
      : [],
  );
  if (tagged.length === 0) return;
  const versionIds = tagged.map(({ versionId }) => versionId);
  const { secretOf } = await registry.sweeps.known({
    secret: facts.secret,
    credentialIds: [],
    versionIds,
  });
  const lost = tagged.find(({ versionId }) => !secretOf.has(versionId));
  if (lost === undefined) return;
  const name = fullName(facts);
  await registry.recovery.noticeSetBack(setBackBy(facts.secret.issuer, { name, ...lost }));
}
