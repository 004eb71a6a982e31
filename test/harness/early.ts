/** Targets that are slow to start are begun with the run, where a test of it needs them: they are ready when its turn comes. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../infra/package-root.js';
import type { TargetName } from '../targets/index.js';

/** What we read of jest's configuration. */
export interface Run {
  readonly rootDir: string;
  readonly testPathPatterns: {
    toExecutor(options: { readonly rootDir: string }): { isMatch(path: string): boolean };
  };
  readonly runTestsByPath: boolean;
  readonly findRelatedTests: boolean;
  readonly onlyChanged: boolean;
}

const slow: readonly TargetName[] = ['keycloak'];

/** Those of a run whose files are chosen in another way than by patterns start on demand, as all others do. */
export function wantedEarly(run: Run): TargetName[] {
  if (run.runTestsByPath || run.findRelatedTests || run.onlyChanged) return [];
  const chosen = run.testPathPatterns.toExecutor({ rootDir: run.rootDir });
  const folder = join(packageRoot(), 'dist', 'test');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => join(folder, file))
    .filter((file) => chosen.isMatch(file));
  return slow.filter((name) => files.some((file) => needs(file, name)));
}

/** By its name, or by what it says: a file that asks through another one is named after the target. */
function needs(file: string, name: TargetName): boolean {
  return file.includes(name) || readFileSync(file, 'utf8').includes(`target('${name}')`);
}
