/** Where the embedded servers keep things: state, and a cache that several checkouts share. */
import { accessSync, chmodSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { canEnter, type Account } from './account.js';

/** Creates the state folder; others may pass through it, since PostgreSQL may run under another account, but not look in. */
export function openStateFolder(path: string): string {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711);
  return folder;
}

/** The first place for cached files that we can write and that account can enter. */
export function cacheFolder(stateFolder: string, account: Account | undefined): string {
  const own = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'rotor');
  const shared = process.getuid?.() === 0 ? ['/var/cache/rotor'] : [];
  const places = [own, ...shared, join(stateFolder, 'cache')];
  const place = places.find((folder) => isUsable(folder, account));
  if (place === undefined) {
    throw new Error(`no folder for cached files can be written; tried: ${places.join(', ')}`);
  }
  return place;
}

/** Creates the folder where it can; false where it cannot be written by us or entered by that account. */
export function isUsable(folder: string, account: Account | undefined): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    return false;
  }
  return account === undefined || canEnter(folder, account);
}
