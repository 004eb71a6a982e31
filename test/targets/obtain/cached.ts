/** Folders of the cache: each is there whole or not at all, whoever was killed while making it. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { processIdentity } from '../../../infra/embedded/process-identity.js';

const stamp = '.complete';

/**
 * The folder of that name, made where there is none: in a draft beside it, which is then renamed.
 * Two processes may make it at once; the later one takes what the first one made.
 */
export async function cachedFolder(
  cache: string,
  name: string,
  make: (draft: string) => Promise<void>,
): Promise<string> {
  const place = join(cache, name);
  if (existsSync(join(place, stamp))) return place;
  removeDeadDrafts(cache, name);
  const draft = mkdtempSync(join(cache, `${name}.draft-${String(process.pid)}-`));
  try {
    await make(draft);
    chmodSync(draft, 0o755);
    writeFileSync(join(draft, stamp), '');
    putInPlace(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return place;
}

/** A folder without the stamp is somebody's remains: renaming onto it would fail. */
function putInPlace(draft: string, place: string): void {
  const remains = `${draft}.remains`;
  try {
    if (existsSync(place) && !existsSync(join(place, stamp))) renameSync(place, remains);
    renameSync(draft, place);
  } catch (error) {
    if (!existsSync(join(place, stamp))) throw error;
  } finally {
    rmSync(remains, { recursive: true, force: true });
  }
}

function removeDeadDrafts(cache: string, name: string): void {
  for (const found of readdirSync(cache)) {
    if (!found.startsWith(`${name}.draft-`)) continue;
    const pid = Number(/^\d+/.exec(found.slice(`${name}.draft-`.length))?.[0]);
    if (processIdentity(pid) === undefined)
      rmSync(join(cache, found), { recursive: true, force: true });
  }
}
