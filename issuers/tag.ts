/** Tags as credentials carry them: `installationId/versionId`. */
import type { TagReading } from '../domain/issuer.js';

export function readTag(tag: string | null | undefined, installationId: string): TagReading {
  if (tag === null || tag === undefined || tag === '') return { kind: 'none' };
  const [owner, versionId, ...more] = tag.split('/');
  if (owner !== installationId || versionId === undefined || more.length > 0)
    return { kind: 'foreign' };
  return { kind: 'ours', versionId };
}
