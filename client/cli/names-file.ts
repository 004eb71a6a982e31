/** A file with a secret's name on each line: what is wrong with it is told by its lines. */
import { readFileSync } from 'node:fs';
import { RotorError, type Problem } from '../../domain/errors.js';
import { Name } from '../../schemas/names.js';

export interface NamesFile {
  readonly names: readonly string[];
  /** Lines that are no names: they are not among them. */
  readonly problems: readonly Problem[];
  /** These and its own, in the order of its lines: `secrets.2` becomes `file:7`. */
  located(problems: readonly Problem[]): Problem[];
}

interface Line {
  readonly text: string;
  readonly path: string;
}

export function readNames(file: string): NamesFile {
  const lines = linesOf(file);
  const [good, bad] = [lines.filter(isName), lines.filter((line) => !isName(line))];
  const problems = bad.map(({ path }) => ({ path, message: 'expected organization/name' }));
  const at = (problem: Problem): Problem => {
    const [, index] = /^(?:body\.)?secrets\.(\d+)$/.exec(problem.path) ?? [];
    return { ...problem, path: good[Number(index)]?.path ?? problem.path };
  };
  return {
    names: good.map(({ text }) => text),
    problems,
    located: (found) =>
      [...problems, ...found.map(at)].sort((one, other) => lineIn(one) - lineIn(other)),
  };
}

function lineIn({ path }: Problem): number {
  return Number(/:(\d+)$/.exec(path)?.[1] ?? 0);
}

/** A comment begins with #. */
function linesOf(file: string): Line[] {
  const lines = textOf(file)
    .split('\n')
    .map((text, index) => ({ text: text.trim(), path: `${file}:${index + 1}` }));
  return lines.filter(({ text }) => text !== '' && !text.startsWith('#'));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new RotorError('file-unreadable', `${file} cannot be read`, {
      kind: 'invalid',
      hint: 'a text file with organization/name on each line',
    });
  }
}

function isName({ text }: Line): boolean {
  const parts = text.split('/');
  return parts.length === 2 && parts.every((part) => Name.safeParse(part).success);
}
