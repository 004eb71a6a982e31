/** The lines of a dotenv file: what an assignment is, and which texts are none, asked before anything is parsed. */

/**
 * One line `NAME=value`, or several where the value is quoted; the last one of a name counts. A bare value
 * is taken with the space behind it: looking for its end would take time squared on a line full of space.
 */
export const assignment =
  /^([ \t\uFEFF]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*)("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|[^#\r\n]*)([ \t]*(?:#[^\r\n]*)?)(?=\r?$)/gm;

/** The parser takes time squared for a run of blank lines; this many characters of them are no accident. */
const longestBlank = 256;

export function hasLongBlank(text: string): boolean {
  let blank = 0;
  return text.split('\n').some((one) => {
    blank = one.trim() === '' ? blank + one.length + 1 : 0;
    return blank > longestBlank;
  });
}

/** Every line that is neither empty nor a comment has to be an assignment. Ask before anything is parsed. */
export function isDotenv(text: string): boolean {
  return !hasLongBlank(text) && strangeLine(text) === undefined;
}

/** The number of the first line that is neither. */
export function strangeLine(text: string): number | undefined {
  const lineBreaks = (found: string): string => '\n'.repeat(found.split('\n').length - 1);
  const rest = text.replace(/^\uFEFF/, '').replaceAll(assignment, lineBreaks);
  const isStrange = (left: string): boolean => left.trim() !== '' && !left.trim().startsWith('#');
  const index = rest.split('\n').findIndex(isStrange);
  return index < 0 ? undefined : index + 1;
}
