/** Ids and hashes are told, and typed, by their first eight characters. */
export function shortId(id: unknown): string {
  return String(id).slice(0, 8);
}
