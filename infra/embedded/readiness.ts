/** Waiting for a server that was just started, and picking a port for it. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Guarded } from './watchdog.js';

/** The server ended before it was ready; another try with another port may help. */
export class EndedEarly extends Error {}

/** Below what systems give away by themselves: nobody who asks for any port is given one that was just picked here. */
const firstPort = 20_000;
const ports = 10_000;
const mostTries = 100;

/** A port that was free a moment ago: the caller must be ready for losing it to somebody else. */
export async function freePort(): Promise<number> {
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const port = firstPort + randomInt(ports);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port on 127.0.0.1 from ${firstPort} to ${firstPort + ports - 1}`);
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

export interface Waiting {
  readonly name: string;
  readonly server: Guarded;
  readonly log: string;
  /** Resolves where the server answers, rejects while it does not. */
  readonly probe: () => Promise<void>;
  /** Milliseconds; half a minute where absent. */
  readonly patience?: number;
}

/** Resolves when the probe does; stops the server and throws with the end of its log when patience ends or where it ends before. */
export async function untilReady({ name, server, log, probe, ...more }: Waiting): Promise<void> {
  const patience = more.patience ?? 30_000;
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      await probe();
      return;
    } catch (cause) {
      if (server.hasEnded()) throw new EndedEarly(`${name} ended: ${lastLines(log)}`);
      if (Date.now() < deadline) {
        await sleep(20);
        continue;
      }
      await server.stop();
      const waited = `${String(patience / 1_000)} s`;
      throw new Error(`${name} does not answer after ${waited}: ${lastLines(log)}`, { cause });
    }
  }
}

function lastLines(log: string): string {
  const text = readFileSync(log, 'utf8').trim();
  return `${text.split('\n').slice(-8).join('\n')} (log: ${log})`;
}

/** Starts up to five times: a port may be lost, and what an earlier server left behind may need a moment to go. */
export async function startPatiently<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof EndedEarly) || tries === 5) throw error;
      await sleep(300);
    }
  }
}
