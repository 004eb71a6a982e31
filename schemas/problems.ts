/** Documents against schemas: where it is wrong, what was expected, and what was probably meant. */
import { z } from 'zod';
import type { Problem } from '../domain/errors.js';

type Issue = z.core.$ZodIssue;

export type Checked<T> = { readonly value: T } | { readonly problems: readonly Problem[] };

/** All problems at once. `prefix` is where the document itself stands. */
export function check<S extends z.ZodType>(
  schema: S,
  document: unknown,
  prefix = '',
): Checked<z.output<S>> {
  const parsed = schema.safeParse(document, { error: wordingOf });
  if (parsed.success) return { value: parsed.data };
  return { problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, prefix)) };
}

/** Never the value: it may be one that does not belong here. */
function wordingOf(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'unrecognized_keys') return fieldsOf(issue.inst).join(' ');
  if (issue.input === undefined) return 'is missing';
  if (issue.input === '' && issue.code === 'too_small') return 'is empty';
  if (issue.code === 'too_small' || issue.code === 'too_big') return sizeOf(issue);
  if (issue.code === 'invalid_type') return `expected ${wordFor(issue)}`;
  if (issue.code === 'invalid_value') {
    return `expected one of ${(issue['values'] as unknown[]).map(String).join(', ')}`;
  }
  return undefined;
}

/** Who writes YAML knows no records, nor that a number is no text. */
function wordFor({ input, ...issue }: z.core.$ZodRawIssue): string {
  const expected = String(issue['expected']);
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean'))
    return 'text: put it in quotes';
  return words[expected] ?? expected;
}

const words: Readonly<Record<string, string>> = {
  record: 'object',
  string: 'text',
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
};

/** Of lists, texts and numbers. */
function sizeOf(issue: z.core.$ZodRawIssue): string {
  const isLess = issue.code === 'too_small';
  const limit = Number(issue[isLess ? 'minimum' : 'maximum']);
  const bound = isLess ? 'at least' : 'at most';
  if (issue['origin'] === 'string') return `expected ${bound} ${limit} characters`;
  if (issue['origin'] === 'array' && limit === 1) return `expected ${bound} one`;
  return `expected ${bound} ${limit}`;
}

function fieldsOf(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function problemsOf(issue: Issue, prefix: string): Problem[] {
  const path = join(prefix, issue.path);
  if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? '' }];
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  const fields = issue.message.split(' ');
  return issue.keys.map((key) => {
    const meant = nearest(key, fields);
    const hint =
      meant === undefined ? `the fields are ${fields.join(', ')}` : `did you mean ${meant}?`;
    return { path: join(path, [key]), message: `unknown field ${key}`, hint };
  });
}

function join(prefix: string, steps: readonly PropertyKey[]): string {
  return [prefix, ...steps.map(String)].filter((step) => step !== '').join('.');
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
