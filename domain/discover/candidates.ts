/** What in a text may be a value: the whole, its words, parts of addresses and assignments, what base64 hides. */

export interface Candidate {
  readonly text: string;
  /** It is all of the text, but for space around it. */
  readonly whole: boolean;
}

/** Anything shorter is found everywhere. */
const shortest = 8;
const longest = 65_536;

/** Each once. A value that is split, encrypted or encoded otherwise is not among them. */
export function* candidatesOf(text: string): Generator<Candidate> {
  const seen = new Set<string>();
  const isNew = (one: string): boolean => {
    if (one.length < shortest || one.length > longest || seen.has(one)) return false;
    seen.add(one);
    return true;
  };
  for (const whole of [text, text.trim()]) if (isNew(whole)) yield { text: whole, whole: true };
  for (const part of partsOf(text)) if (isNew(part)) yield { text: part, whole: false };
}

/** More than any usual name has: what has more is looked at as far as that. */
const mostSigns = 64;

/** What in the name of a file or a field may be a value: values hold `-`, `_` and `.` themselves, so every span between two signs. */
export function* candidatesOfName(name: string): Generator<Candidate> {
  yield* candidatesOf(name);
  for (const part of name.split(/[/#]+/))
    for (const text of spansOf(part)) yield { text, whole: false };
}

function spansOf(part: string): string[] {
  const signs = [...part.matchAll(/[^\p{L}\p{N}]/gu)].slice(0, mostSigns);
  const starts = [0, ...signs.map(({ index }) => index + 1)];
  const ends = [...signs.map(({ index }) => index), part.length];
  const spans = starts.flatMap((start) =>
    ends.map((end) => part.slice(start, Math.max(start, end))),
  );
  return spans.filter(({ length }) => length >= shortest);
}

function* partsOf(text: string): Generator<string> {
  yield* afterSign(text);
  for (const word of text.split(/[\s"'`,;|<>()[\]{}]+/)) {
    if (word.length < shortest) continue;
    yield* partsOfWord(word);
    const hidden = unwrapped(word);
    if (hidden !== undefined) yield* partsOfWord(hidden);
  }
}

/** `NAME = "a value of several words"`, a header, an entry of YAML that could not be parsed. */
function* afterSign(text: string): Generator<string> {
  const rest = /^[^=:\n]{1,200}[=:][ \t]*([^\n]+)$/.exec(text.trim())?.[1];
  if (rest === undefined) return;
  yield rest;
  yield rest.replace(/^(["'`])(.*)\1$/, '$2');
}

function* partsOfWord(word: string): Generator<string> {
  yield word;
  yield word.replace(/[.!?:]+$/, '');
  for (const sign of ['=', ':']) {
    const at = word.indexOf(sign);
    if (at >= 0) yield word.slice(at + 1);
  }
  for (const part of word.split(/[:@/?&=#]+/)) {
    yield part;
    yield decoded(part);
    // As the name of a file.
    yield part.replace(/\.\w{1,8}$/, '');
  }
}

/** As addresses write what they cannot hold. */
function decoded(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Base64 of printable text, as Kubernetes and HTTP write it. */
function unwrapped(word: string): string | undefined {
  const [, coded] = /^(?:[\w.-]+[=:])?([A-Za-z0-9+/_-]{11,}={0,2})$/.exec(word) ?? [];
  if (coded === undefined) return undefined;
  try {
    const text = atob(coded.replaceAll('-', '+').replaceAll('_', '/'));
    return /^[\t\r\n\x20-\x7e]+$/.test(text) ? text.trim() : undefined;
  } catch {
    return undefined;
  }
}
