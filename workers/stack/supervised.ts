/** A child process that is started again when it dies, and that never outlives us. */
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';

export interface Program {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export interface Supervised {
  readonly pid: () => number | undefined;
  /** Ends it now; it is started again like one that died. */
  restart(): void;
  /** From now on its end is no news: whoever stops the others first says so before. */
  mayEnd(): void;
  stop(): Promise<void>;
}

const pauseMs = 300;
const longestPauseMs = 10_000;
/** Whoever lived this long is started again at once. */
const steadyMs = 30_000;

/** `died` is told each time it ends unasked; it is started again after a pause, which grows while it dies at once. */
export function supervise(program: Program, died: (name: string) => void): Supervised {
  let child: ChildProcess | undefined;
  let stopping = false;
  let ended: Promise<void> = Promise.resolve();
  let pause = pauseMs;
  const start = (): void => {
    const began = Date.now();
    const started = launch(program);
    child = started;
    ended = new Promise((resolve) => {
      started.once('exit', () => {
        resolve();
        if (stopping) return;
        died(program.name);
        pause = Date.now() - began > steadyMs ? pauseMs : Math.min(pause * 2, longestPauseMs);
        setTimeout(() => (stopping ? undefined : start()), pause);
      });
    });
  };
  start();
  return {
    pid: () => child?.pid,
    restart: () => {
      child?.kill('SIGKILL');
    },
    mayEnd: () => {
      stopping = true;
    },
    stop: async () => {
      stopping = true;
      child?.kill('SIGTERM');
      const kill = setTimeout(() => child?.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(kill);
    },
  };
}

/** Its standard input stays open for as long as we live: its end is the sign that we are gone. */
export function launch({ script, args = [], environment, logFile }: Program): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  return spawn(process.execPath, ['--enable-source-maps', script, ...args], {
    stdio: ['pipe', log, log],
    env: { ...process.env, ...environment, ROTOR_CHILD: '1' },
  });
}
