/** Text that somebody else wrote, as it may stand in a terminal, a log or a report. */

/** Control characters, and those that turn the writing around, would mislead whoever looks. */
const misleading = String.raw`[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]`;
const anyMisleading = new RegExp(misleading, 'g');
const anyButColors = new RegExp(
  String.raw`(\u001b\[(?:[0-2]|22|3[1-9]|9[1-7])m|[\n\t])|${misleading}`,
  'g',
);

const longestName = 200;

/** What a program calls itself. */
export function readableName(text: string): string {
  return withoutHalf(text.replaceAll(anyMisleading, '').slice(0, longestName));
}

/** Lines for a terminal: the colors that rotor uses stay; whatever else would steer it, or hide a word, goes. */
export function readableLines(text: string): string {
  return text.replaceAll(anyButColors, (_found, kept: string | undefined) => kept ?? '');
}

/** Cut in the middle of a character, its first half would be no text for the database. */
function withoutHalf(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '');
}
