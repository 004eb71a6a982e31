/** How surely a dependent moved to a version, from weakest to strongest. */
export const evidenceLevels = ['human', 'read-back', 'attested', 'observed'] as const;
export type Evidence = (typeof evidenceLevels)[number];

export function isAtLeast(level: Evidence | undefined, least: Evidence): boolean {
  if (level === undefined) return false;
  return evidenceLevels.indexOf(level) >= evidenceLevels.indexOf(least);
}

export function stronger(a: Evidence | undefined, b: Evidence): Evidence {
  return isAtLeast(a, b) && a !== undefined ? a : b;
}
