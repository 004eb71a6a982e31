/** After a set-back: credentials whose rows were lost become versions again, under the ids that their tags say. */
import type { Change, Decided } from '../change.js';
import type { Facts } from '../facts.js';
import type { Credential } from '../issuer.js';
import { currentVersion } from '../progress.js';
import { activate } from './create.js';

export interface Recovering {
  readonly credential: Pick<Credential, 'credentialId' | 'expiresAt'>;
  /** As the tag says. */
  readonly versionId: string;
}

/**
 * Its value is lost, and it may be the one that everybody uses: never a successor, never untouched, and the
 * current one where the registry's own is gone.
 */
export function recordRecovered(
  facts: Facts,
  { credential: { credentialId, expiresAt }, versionId }: Recovering,
): Decided<boolean> {
  const isKnown = facts.versions.some(
    (version) => version.versionId === versionId || version.credentialId === credentialId,
  );
  if (isKnown) return { result: false, changes: [] };
  const named: Change = {
    change: 'version-named',
    versionId,
    state: 'active',
    origin: 'adopted',
    credentialId,
    value: 'unknown',
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  const confirmed: Change[] =
    currentVersion(facts) === undefined ? [{ change: 'version-confirmed', versionId }] : [];
  return {
    result: true,
    changes: [named, ...confirmed, found(credentialId, versionId, "rotor's row of it was lost")],
  };
}

/** Named before the set-back, minted before or after it: what it was used for since is not known. */
export function recordMinted(
  facts: Facts,
  { credential: { credentialId, expiresAt }, versionId }: Recovering,
  isSealed: boolean,
): Decided<boolean> {
  const version = facts.versions.find((one) => one.versionId === versionId);
  if (version?.state !== 'pending') return { result: false, changes: [] };
  const known: Change[] = isSealed
    ? [{ change: 'value-known', versionId, value: 'sealed' }]
    : [found(credentialId, versionId, 'its value was lost')];
  return { result: true, changes: [activate({ versionId, credentialId, expiresAt }), ...known] };
}

function found(credentialId: string, versionId: string, why: string): Change {
  const message = `${credentialId} lives, and ${why} when the database was set back: the next rotation replaces it`;
  return {
    change: 'found',
    finding: { code: 'orphan-credential', about: credentialId, versionId, message },
  };
}
