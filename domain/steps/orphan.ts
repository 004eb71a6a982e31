/** Credentials that carry our tag and belong to no version: known from now on, so that they can be ended. */
import type { Change, Decided } from '../change.js';
import type { Facts } from '../facts.js';
import type { Credential } from '../issuer.js';

/** The version that the credential is from now on; repeated, it is the same one. */
export function recordOrphan(
  facts: Facts,
  { credentialId, expiresAt }: Credential,
  newId: string,
): Decided<string> {
  const known = facts.versions.find((version) => version.credentialId === credentialId);
  if (known !== undefined) return { result: known.versionId, changes: [] };
  const named: Change = {
    change: 'version-named',
    versionId: newId,
    state: 'active',
    origin: 'orphan',
    credentialId,
    value: 'unknown',
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  const message = `${credentialId} carries rotor's tag, and its value is lost`;
  const finding = {
    code: 'orphan-credential',
    about: credentialId,
    versionId: newId,
    message,
  } as const;
  return {
    result: newId,
    changes: [named, { change: 'version-refused', versionId: newId }, { change: 'found', finding }],
  };
}
