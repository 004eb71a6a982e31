/** A program that logs in every 20 ms with what it finds at that moment, and counts how often it is refused. */
import { setTimeout as pause } from 'node:timers/promises';
import { connects } from '../test/issuers/postgres-subject.js';

const everyMs = 20;

export interface Logins {
  readonly accepted: number;
  readonly refused: number;
  /** The longest time in which no login went well. */
  readonly longestMs: number;
}

export interface Program {
  stop(): Promise<Logins>;
}

/** Each login by itself: a slow one holds no other back. */
export function startProgram(name: string, find: () => Promise<string>): Program {
  const done = { accepted: 0, refused: 0, longestMs: 0 };
  let lastWell = performance.now();
  const logIn = async (): Promise<void> => {
    const found = await find();
    // Nothing was given to it yet.
    if (found === '') return void (lastWell = performance.now());
    if (!(await connects(found, name))) return void (done.refused += 1);
    done.accepted += 1;
    done.longestMs = Math.max(done.longestMs, performance.now() - lastWell);
    lastWell = performance.now();
  };
  const logins = new Set<Promise<void>>();
  let using = true;
  const running = (async () => {
    while (using) {
      const login = logIn();
      logins.add(login);
      void login.finally(() => logins.delete(login));
      await pause(everyMs);
    }
  })();
  return {
    stop: async () => {
      using = false;
      await running;
      await Promise.all(logins);
      return done;
    },
  };
}
