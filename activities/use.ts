/** Reads what an issuer saw, live, and records it: what the gate then decides on is never older than its call. */
import { AdapterError } from '../domain/errors.js';
import type { Facts } from '../domain/facts.js';
import type { LiveReading } from '../domain/gate.js';
import type { CredentialRef, Issuer } from '../domain/issuer.js';
import { versionOf } from '../domain/progress.js';
import { issuedSecret, tagOf } from '../domain/steps/create.js';
import { useQuestion, type UseQuestion } from '../domain/steps/use-question.js';
import type { UseNews } from '../domain/registry.js';
import type { Ports } from './ports.js';

/** `own` is the dependency that the caller looks after itself: its first use is no news to the run. */
export async function readUse(
  ports: Ports,
  { issuer: name, secret, since }: UseQuestion,
  own?: string,
): Promise<void> {
  const issuer = ports.issuer(name);
  if (issuer.observedUse === undefined) return;
  const record = await issuer.observedUse(secret, since);
  const { secretId } = secret;
  const news = await ports.registry.recordUse({ secretId, record, since });
  // Told once, to whoever reads first; another batch of the run may be the one that waits for it.
  const [first] = news.filter((one) => concernsOthers(one, own));
  if (first !== undefined) await ports.tell(secretId, { what: first.what, by: 'run' });
}

function concernsOthers({ what, dependencyIds = [] }: UseNews, own: string | undefined): boolean {
  return what === 'new-user' || (what === 'first-use' && dependencyIds.some((id) => id !== own));
}

/** For whoever only wants to know: an issuer that does not answer leaves what is known as it is. */
export async function refreshUse(
  ports: Pick<Ports, 'issuer' | 'registry' | 'tell'>,
  facts: Facts,
): Promise<void> {
  const { issuer: name, secret, since } = useQuestion(facts);
  const { secretId } = secret;
  try {
    const record = await ports.issuer(name).observedUse?.(secret, since);
    if (record === undefined) return;
    const news = await ports.registry.recordUse({ secretId, record, since });
    for (const { what } of news) await ports.tell(secretId, { what, by: 'reader' });
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
  }
}

export function credentialRef(facts: Facts, versionId: string): CredentialRef | undefined {
  const version = versionOf(facts, versionId);
  if (version?.credentialId === undefined) return undefined;
  return {
    secret: issuedSecret(facts),
    versionId,
    credentialId: version.credentialId,
    tag: version.origin === 'minted' ? tagOf(facts, versionId) : undefined,
  };
}

/** What the gate is asked with. Containing waits for nothing: neither the record of use nor what is open matters to it. */
export async function readLive(
  ports: Ports,
  facts: Facts,
  versionId: string,
): Promise<LiveReading> {
  const ref = credentialRef(facts, versionId);
  if (facts.run.kind === 'compromise' || ref === undefined) return { openUse: undefined };
  await readUse(ports, useQuestion(facts));
  return readOpenUse(ports.issuer(facts.secret.issuer), ref);
}

export async function readOpenUse(issuer: Issuer, ref: CredentialRef): Promise<LiveReading> {
  if (issuer.openUse === undefined || issuer.traits.outlives === 'nothing') {
    return { openUse: undefined };
  }
  return { openUse: await issuer.openUse(ref) };
}
