/** One process at a time, by a file that names its holder; a holder that died is replaced. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until nobody else holds the lock.
 * @returns a function that gives it back
 */
export async function holdLock(file) {
  mkdirSync(dirname(file), { recursive: true });
  while (!take(file)) {
    const holder = readOrUndefined(file);
    if (holder !== undefined && !isAlive(Number(holder))) removeIfStill(file, holder);
    else await sleep(100);
  }
  return () => rmSync(file, { force: true });
}

/** Linking a finished file: nobody ever reads a lock without its holder's id. */
function take(file) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, String(process.pid));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Two may find the same dead holder: whoever moved away a newer lock puts it back. */
function removeIfStill(file, holder) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readOrUndefined(aside) !== holder) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readOrUndefined(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
