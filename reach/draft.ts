/** Files that rotor writes beside a destination and then renames: what stays is left over from a write that was killed. */

/** What follows the destination's own name; on another machine without whose write it is. */
const draftMark = /\.rotor-(?:[0-9a-f]{8}-\d+-)?[0-9a-f]{12}$/;

/** Older, nobody writes it any more. */
export const draftMs = 60_000;

/** Both are names within one folder. */
export function isDraftOf(destination: string, name: string): boolean {
  const begin = `.${destination}`;
  return name.startsWith(begin) && name.slice(begin.length).search(draftMark) === 0;
}

export function isBeingWritten(name: string, mtimeMs: number): boolean {
  return draftMark.test(name) && Date.now() - mtimeMs < draftMs;
}
