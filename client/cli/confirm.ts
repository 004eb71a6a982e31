/** Words that people type before something is done that cannot be taken back; whoever goes away has said no. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { RotorError } from '../../domain/errors.js';
import type { Output } from './output.js';

export interface Confirmation {
  /** What `--confirm` says. */
  readonly said: string | undefined;
  /** What would be done, on a line. */
  readonly what: string;
  /** What can be taken back, and what cannot. */
  readonly effect: string;
  /** What to look at first: a plan, who breaks. */
  readonly shown?: string;
}

/** Asks to type `revoke`, unless `--confirm revoke` was said. */
export function confirmRevoke(output: Output, about: Confirmation): Promise<'revoke'> {
  return confirmWord(output, 'revoke', about);
}

/** Asks to type a word, unless it was said. */
export async function confirmWord<W extends string>(
  output: Output,
  word: W,
  { said, what, effect, shown }: Confirmation,
): Promise<W> {
  if (said === word) return word;
  if (shown !== undefined) output.note(shown);
  if (said === undefined && process.stdin.isTTY) {
    const typed = await typedAfter(`${what}\n${effect} Type ${word}: `);
    if (typed === word) return word;
  }
  throw new RotorError('confirmation-needed', `${what}: not confirmed, nothing was done`, {
    kind: 'invalid',
    hint: `type ${word} when asked, or say --confirm ${word}`,
  });
}

interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** Undefined where nobody answers: after Ctrl-C, or at the end of the input. */
export async function typedAfter(
  question: string,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<string | undefined> {
  const ask = createInterface({ input, output, terminal: true });
  try {
    const gone = new Promise<undefined>((resolve) => ask.once('close', () => resolve(undefined)));
    // Node breaks the question off where the terminal is left, some releases by an error.
    const typed = ask.question(question).catch(() => undefined);
    const answer = await Promise.race([typed, gone]);
    if (answer === undefined) output.write('\n');
    return answer?.trim();
  } finally {
    ask.close();
  }
}

/** The same without showing what is typed. */
export async function hiddenAfter(
  question: string,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<string | undefined> {
  output.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const typed = await typedAfter('', { input, output: nowhere });
  output.write('\n');
  return typed;
}
