/** Lines of JSON that are ours: each carries a MAC over itself and the one before it. */
import { createHmac, timingSafeEqual } from 'node:crypto';

const head = '{"mac":"';
const middle = '","entry":';
const macLength = 43;

export interface SignedLines {
  /** The next line, with its end. */
  next(entry: object): string;
}

export function signLines(key: Buffer): SignedLines {
  let previous = '';
  return {
    next: (entry) => {
      const text = JSON.stringify(entry);
      previous = macOf(key, previous, text);
      return `${head}${previous}${middle}${text}}\n`;
    },
  };
}

export interface ReadLines {
  readonly entries: readonly unknown[];
  /** What follows them: nothing, a line that was never finished, or something that is not ours. */
  readonly rest: 'nothing' | 'torn' | 'changed';
}

/** All up to the first line that is not ours: what follows it proves nothing. */
export function readLines(key: Buffer, text: string): ReadLines {
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  const entries: unknown[] = [];
  let previous = '';
  for (const line of lines) {
    const mac = line.slice(head.length, head.length + macLength);
    const entry = line.slice(head.length + macLength + middle.length, -1);
    if (!isSame(line, `${head}${macOf(key, previous, entry)}${middle}${entry}}`))
      return { entries, rest: 'changed' };
    entries.push(JSON.parse(entry));
    previous = mac;
  }
  return { entries, rest: last === '' ? 'nothing' : 'torn' };
}

function macOf(key: Buffer, previous: string, text: string): string {
  return createHmac('sha256', key).update(`${previous}\n${text}`).digest('base64url');
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
