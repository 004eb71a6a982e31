/** Targets that a test of the run needs are begun with it, one after another: what has to be fetched and started is there when its turn comes. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../infra/package-root.js';
import { targets, type TargetName } from '../targets/index.js';

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

/** It takes the longest by far. */
const first: TargetName = 'keycloak';

/** Those of a run whose files are chosen in another way than by patterns start on demand, as all others do. */
export function wantedEarly(run: Run): TargetName[] {
  if (run.runTestsByPath || run.findRelatedTests || run.onlyChanged) return [];
  const chosen = run.testPathPatterns.toExecutor({ rootDir: run.rootDir });
  const folder = join(packageRoot(), 'dist', 'test');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => join(folder, file))
    .filter((file) => chosen.isMatch(file));
  const others = targets.map(({ name }) => name).filter((name) => name !== first);
  return [first, ...others].filter((name) => files.some((file) => needs(file, name)));
}

/** By its name, or by what it says: a file that asks through another one is named after the target. */
function needs(file: string, name: TargetName): boolean {
  if (file.includes(name)) return true;
  const text = readFileSync(file, 'utf8');
  return ['target', 'ownTarget'].some((ask) => text.includes(`${ask}('${name}')`));
}
