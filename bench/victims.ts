/** The processes that the soak kills: two workers and now and then the API, each started again at once. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { end, type Installation } from '../test/faults/installation.js';
import { pointsOfCompromise, pointsOfRotation } from '../test/faults/kill-points.js';

export interface Kills {
  readonly worker: number;
  readonly api: number;
  /** How many of them were deaths at a named point, and at which points. */
  readonly named: number;
  readonly points: ReadonlySet<string>;
  /** Processes that nobody killed: they ended for a reason of their own. */
  readonly unasked: readonly string[];
}

export interface Victims {
  kill(times: number): Promise<Kills>;
}

const pointsOf = {
  worker: [...new Set([...pointsOfRotation, ...pointsOfCompromise])],
  api: ['request:stored'],
};
/** A point that nobody reaches within this time is given up: the process dies wherever it is. */
const pointWithinMs = 8_000;
/** From the moment it is ready: with shorter lives nothing would get on, and nothing would be put at risk. */
const longestLifeMs = { worker: 5_000, api: 30_000 };
/** The API dies seldom: while it is away, so is the issuer, and little is at risk. */
const armedOneIn = { worker: 2, api: 5 };
const readyWithinMs = 15_000;
/** One in so many dies while it starts. */
const earlyDeaths = 10;

interface Place {
  readonly name: 'worker' | 'api';
  child: ChildProcess;
  /** Where this process kills itself. */
  point: string | undefined;
}

export function openVictims({ start, folder, log }: Installation): Victims {
  const open = (name: Place['name']): Place => ({ name, child: start(name), point: undefined });
  const places = [open('worker'), open('worker'), open('api')];
  let started = 0;
  const startAgain = (place: Place): void => {
    const points = pointsOf[place.name];
    place.point =
      randomInt(armedOneIn[place.name]) === 0 ? points[randomInt(points.length)] : undefined;
    started += 1;
    // A file of its own: another process comes to the same points.
    const file = join(folder, `kill-at-${started}`);
    if (place.point !== undefined) writeFileSync(file, place.point);
    place.child = start(place.name, { ROTOR_KILL_AT: file });
  };
  return {
    kill: async (times) => {
      const counts = { worker: 0, api: 0, named: 0 };
      const points = new Set<string>();
      const unasked: string[] = [];
      let left = times;
      /** Each place for itself: now and then all of them are dead at once. */
      const killAgainAndAgain = async (place: Place): Promise<void> => {
        while (left > 0) {
          left -= 1;
          const point = await die(place, log);
          const { exitCode } = place.child;
          if (exitCode !== null) unasked.push(`${place.name} ended with code ${exitCode}`);
          counts[place.name] += 1;
          if (point !== undefined) {
            counts.named += 1;
            points.add(point);
          }
          startAgain(place);
        }
      };
      await Promise.all(places.map(killAgainAndAgain));
      // The last ones live: what was begun comes to its end with them.
      for (const place of places) await end(place.child);
      for (const place of places) place.child = start(place.name);
      return { ...counts, points, unasked };
    },
  };
}

/** The point where it died, or undefined where it was killed at random. */
async function die(place: Place, log: Installation['log']): Promise<string | undefined> {
  const { name, child, point } = place;
  if (point === undefined && randomInt(earlyDeaths) > 0) await untilReady(place, log);
  const limit = point === undefined ? randomInt(longestLifeMs[name]) : pointWithinMs;
  const died = await diesWithin(child, limit);
  await end(child);
  return died ? point : undefined;
}

async function untilReady({ name, child }: Place, log: Installation['log']): Promise<void> {
  const stop = Date.now() + readyWithinMs;
  const line = `"pid":${child.pid}`;
  const isReady = (): boolean =>
    log(name)
      .split('\n')
      .some((text) => text.includes(line) && text.includes(`${name} is ready`));
  while (!isReady() && Date.now() < stop) await pause(100);
}

async function diesWithin(child: ChildProcess, limitMs: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return true;
  const given = new AbortController();
  return Promise.race([
    once(child, 'exit', { signal: given.signal }).then(
      () => true,
      () => false,
    ),
    pause(limitMs, false),
  ]).finally(() => given.abort());
}
