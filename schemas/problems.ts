/** Issues of zod as problems of ours: where, what was expected, and what was probably meant. */
import type { z } from 'zod';
import type { Problem } from '../domain/errors.js';

type Issue = z.core.$ZodIssue;

export function problemsOf(error: z.ZodError, prefix = ''): Problem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, prefix));
}

function problemsOfIssue(issue: Issue, prefix: string): Problem[] {
  const path = [prefix, ...issue.path.map(String)].filter((step) => step !== '').join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: messageOf(issue) }];
  return issue.keys.map((key) => ({
    path: `${path}.${key}`,
    message: `unknown field ${key}`,
    hint: 'the fields are listed in docs/declarations.schema.json',
  }));
}

function messageOf(issue: Issue): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected}`;
  if (issue.code === 'invalid_value')
    return `expected one of ${issue.values.map(String).join(', ')}`;
  return issue.message;
}

/** The name that was probably meant: the nearest one, where it is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= 2 ? best.candidate : undefined;
}

/** Levenshtein's. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, character] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
