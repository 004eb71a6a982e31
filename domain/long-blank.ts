/** Runs of blank text, which the parser of dotenv files takes time squared for: asked before anything is parsed. */

/** This many characters of them are no accident. */
const longest = 256;

export function hasLongBlank(text: string): boolean {
  let blank = 0;
  return text.split('\n').some((one) => {
    blank = one.trim() === '' ? blank + one.length + 1 : 0;
    return blank > longest;
  });
}
