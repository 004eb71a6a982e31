/** A process of an installation that dies at a named point, again and again, and is started again by whoever waited for it. */
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { expect } from '@jest/globals';
import type { Installation } from './installation.js';

export interface Killable {
  /** Settles once it has died there, by whatever brings it there next. */
  diesAt(point: string): Promise<void>;
  /** Again, once it is dead. */
  start(): void;
}

type Name = Parameters<Installation['start']>[0];

export function openKillable(
  installation: Pick<Installation, 'start' | 'killAt'>,
  name: Name,
): Killable {
  let child: ChildProcess = installation.start(name);
  const isDead = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const start = (): void => {
    child = installation.start(name);
  };
  return {
    start,
    diesAt: async (point) => {
      // A test that failed half way left it dead.
      if (isDead()) start();
      const died = once(child, 'exit');
      installation.killAt(point);
      expect(await died).toEqual([null, 'SIGKILL']);
    },
  };
}
