/** Variables of the environment, and files that they name. */
import { readFileSync } from 'node:fs';
import type { Problem } from '../domain/errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Takes what is wrong, so that all of it is told together. */
export type Tell = (problem: Problem) => void;

/** A secret: by file where it can be. */
export function ofFile(environment: Environment, name: string, tell: Tell): string | undefined {
  const file = environment[`${name}_FILE`];
  if (file === undefined) return environment[name];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    tell({ path: `${name}_FILE`, message: `${file} cannot be read` });
    return undefined;
  }
}
