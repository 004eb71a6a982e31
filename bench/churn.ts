/** Rotates one secret without an end, and now and then it leaks: at rest, or in the middle of a rotation. */
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { UsedSecret } from '../test/faults/installation.js';

/** From the request until everybody has the next value, refusals are what was asked for. */
export interface Leak {
  readonly secret: string;
  readonly from: number;
  readonly until: number;
}

export interface Churned {
  readonly asked: number;
  readonly leaks: readonly Leak[];
}

/** Resolves when it is over and the last request was answered; the runs may go on. */
export async function churn(secret: UsedSecret, isOver: () => boolean): Promise<Churned> {
  const happened: Leak[] = [];
  let asked = 0;
  const ask = async (kind: 'rotate' | 'compromise'): Promise<string> => {
    asked += 1;
    return askUntilAnswered(secret, kind);
  };
  while (!isOver()) {
    const dice = randomInt(8);
    const rotation = dice === 0 ? undefined : await ask('rotate');
    // In one case of eight at rest, in another one in the middle of the rotation.
    if (dice > 1 && rotation !== undefined) await endOf(secret, rotation, isOver);
    else {
      if (rotation !== undefined) await pause(randomInt(20, 2_000));
      const from = Date.now();
      const until = await endOf(secret, await ask('compromise'));
      happened.push({ secret: secret.name, from, until });
    }
    await pause(randomInt(300));
  }
  return { asked, leaks: happened };
}

/** Asked again with the same key until there is an answer: the API may be killed at any moment. */
async function askUntilAnswered(
  secret: UsedSecret,
  kind: 'rotate' | 'compromise',
): Promise<string> {
  const key = randomUUID();
  for (;;) {
    try {
      return await secret.ask(kind, key);
    } catch {
      await pause(100);
    }
  }
}

async function endOf(
  secret: UsedSecret,
  runId: string,
  isOver: () => boolean = () => false,
): Promise<number> {
  while (!isOver()) {
    const run = await secret.run(runId).catch(() => undefined);
    if (run?.['state'] === 'ended') return new Date(String(run['ended'])).getTime();
    await pause(150);
  }
  return Date.now();
}
