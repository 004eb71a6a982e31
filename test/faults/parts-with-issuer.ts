/** The parts of an installation as they are, but for the issuer: that is the test's, under every name. */
import type { Issuer } from '../../domain/issuer.js';
import { openRegistry } from '../../infra/registry/open.js';
import { openParts, type Parts } from '../../workers/parts.js';
import type { Settings } from '../../workers/settings.js';

export async function partsWithIssuer(settings: Settings, issuer: Issuer): Promise<Parts> {
  const parts = await openParts(settings);
  const { pool, audit } = parts;
  const registry = openRegistry({ pool, audit, traitsOf: () => issuer.traits });
  return { ...parts, registry, issuer: () => issuer };
}
