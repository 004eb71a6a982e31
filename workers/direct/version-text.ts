/** How a credential that ends is named to the person in front of it. */
import type { Target } from '../../domain/direct.js';

export function versionText({ ordinal, current }: Pick<Target, 'ordinal' | 'current'>): string {
  if (ordinal === undefined) return 'minted since';
  return current ? `v${ordinal} (current)` : `v${ordinal}`;
}
