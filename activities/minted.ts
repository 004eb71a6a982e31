/** Which of the credentials that are new at an issuer an unanswered mint has made. */
import { AdapterError } from '../domain/errors.js';
import type { Credential, IssuedSecret } from '../domain/issuer.js';
import type { SecretValue } from '../domain/secret-value.js';
import { mintedAmong } from '../domain/steps/create.js';
import { record, type Ports } from './ports.js';
import { isAccepted } from './values.js';

interface Unanswered {
  readonly runId: string;
  /** The name of the issuer. */
  readonly issuer: string;
  readonly secret: IssuedSecret;
  readonly versionId: string;
  readonly listedBefore: readonly string[] | undefined;
}

/**
 * Without a place for a tag, a value of ours tells which is ours: somebody else may have made one at the same time, and
 * theirs is neither taken over nor ended. Of a value of theirs it can only be told what is new.
 */
export async function mintedBy(
  ports: Ports,
  order: Unanswered,
  listed: readonly Credential[],
): Promise<Credential[]> {
  const found = mintedAmong(order, listed);
  const { valueChosenBy, tag } = ports.issuer(order.issuer).traits;
  if (valueChosenBy === 'theirs' || tag === 'place' || found.length === 0) return found;
  // It is sealed before the issuer learns it: without one, nothing was asked for.
  const value = await ports.store.get(order.versionId);
  if (value === undefined) return [];
  const own: Credential[] = [];
  for (const one of found) if (await holds(ports, { ...order, value }, one)) own.push(one);
  return own;
}

async function holds(
  ports: Ports,
  { runId, issuer, secret, versionId, value }: Unanswered & { readonly value: SecretValue },
  { credentialId, disabled }: Credential,
): Promise<boolean> {
  const mark = ports.newId();
  await record(ports, runId, [{ change: 'probe-marked', versionId, mark }]);
  const ref = { secret, versionId, credentialId, tag: undefined };
  if (await isAccepted(ports.issuer(issuer), { ref, value, mark })) return true;
  if (!disabled) return false;
  throw new AdapterError(
    'refused',
    `credential ${credentialId} is new and disabled: whether it is rotor's can be told once it is enabled`,
  );
}
