/** What an issuer is opened with, where no installation is. */
import { createHash } from 'node:crypto';
import type { IssuerContext } from '../../issuers/kind.js';

export function contextOf(installationId: string): IssuerContext {
  const key = `key of ${installationId}`;
  return {
    installationId,
    fingerprint: (text) =>
      createHash('sha256')
        .update(key + text)
        .digest('hex')
        .slice(0, 32),
  };
}
