/** Questions about one thing that come while others are being answered are answered together, next. */

/** Answers as many as it likes from the front, at least one; what it throws is told to all of them. */
export type AnswerAll<Q, A> = (questions: readonly Q[]) => Promise<readonly A[]>;

interface Waiting<Q, A> {
  readonly question: Q;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

/** Nobody is answered by work that began before they asked. */
export function together<Q, A>(
  answerAll: AnswerAll<Q, A>,
  most: number,
): (about: string, question: Q) => Promise<A> {
  const lines = new Map<string, Waiting<Q, A>[]>();
  return (about, question) =>
    new Promise<A>((resolve, reject) => {
      const waiting = { question, resolve, reject };
      const line = lines.get(about);
      if (line !== undefined) return void line.push(waiting);
      const own = [waiting];
      lines.set(about, own);
      void (async () => {
        while (own.length > 0) await serve(own, answerAll, most);
        // In the same turn as the last look at the line: nobody joins one that is not looked at again.
        lines.delete(about);
      })();
    });
}

const mostAtOnce = 1_000;

/** Whoever asks while the work is under way waits for the next one, together with all who do. */
export function onceForAll<A>(work: () => Promise<A>): () => Promise<A> {
  const ask = together(async (askers: readonly undefined[]) => {
    const answer = await work();
    return askers.map(() => answer);
  }, mostAtOnce);
  return () => ask('', undefined);
}

async function serve<Q, A>(
  line: Waiting<Q, A>[],
  answerAll: AnswerAll<Q, A>,
  most: number,
): Promise<void> {
  const group = line.slice(0, most);
  try {
    const answers = await answerAll(group.map(({ question }) => question));
    if (answers.length === 0) throw new Error('nobody of them was answered');
    answers.forEach((answer, index) => group[index]?.resolve(answer));
    line.splice(0, answers.length);
  } catch (error) {
    for (const { reject } of group) reject(error);
    line.splice(0, group.length);
  }
}
