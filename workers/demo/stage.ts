/** What every scenario of the demo plays on: a state folder, rotor, its command line, programs that end with it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import colors from 'picocolors';
import { openApi, type ApiClient } from '../../client/http.js';
import { removeState } from '../../infra/embedded/state.js';
import { packageRoot } from '../../infra/package-root.js';
import { freePort } from '../../infra/embedded/readiness.js';
import { startStack, type Stack } from '../stack/stack.js';
import { openCli, type Cli } from './cli.js';
import type { Promised } from './figures.js';

export interface Running {
  readonly stack: Stack;
  readonly api: ApiClient;
  readonly secondsToReady: number;
}

export interface Stage {
  readonly began: number;
  readonly stateFolder: string;
  /** Of the programs. */
  readonly folder: string;
  readonly cli: Cli;
  /** Starts rotor, also again after it was stopped. */
  start(): Promise<Running>;
  stop(): Promise<void>;
  /** Undone at the end of the demo, the last first. */
  atEnd(work: () => unknown): void;
  /** Ends all; `keeps`: the state folder stays. */
  close(keeps: boolean): Promise<void>;
}

export interface Played {
  readonly figures: object;
  readonly promises: readonly Promised[];
  readonly stack: Stack;
}

export type Scenario = (stage: Stage) => Promise<Played>;

export function openStage(began: number): Stage {
  const stateFolder = join(packageRoot(), '.rotor', `demo-${process.pid}`);
  const folder = join(stateFolder, 'programs');
  mkdirSync(folder, { recursive: true });
  const ends: (() => unknown)[] = [];
  let stack: Stack | undefined;
  let from = began;
  const stop = async (): Promise<void> => {
    await stack?.stop();
    stack = undefined;
    from = Date.now();
  };
  return {
    ...{ began, stateFolder, folder, stop },
    cli: openCli(stateFolder),
    start: async () => {
      stack = await startStack({ stateFolder, roots: [folder], port: await freePort(), tell });
      return runningOf(stack, secondsSince(from));
    },
    atEnd: (work) => ends.unshift(work),
    close: async (keeps) => {
      for (const work of ends) await work();
      await stop();
      if (!keeps) removeState(stateFolder);
    },
  };
}

function tell(line: string): void {
  console.log(colors.yellow(`  ${line}`));
}

function runningOf(stack: Stack, secondsToReady: number): Running {
  console.log(
    `${colors.bold('rotor')} is ready after ${secondsToReady} s (worker: pid ${stack.workerPid() ?? '?'}, API: ${stack.url})`,
  );
  const token = readFileSync(stack.tokenFile, 'utf8').trim();
  return { stack, secondsToReady, api: openApi({ url: stack.url, token }) };
}

export interface Run {
  readonly state: string;
  readonly outcome: string | null;
  readonly requested: string;
  readonly ended: string | null;
  readonly hash: string | null;
  readonly waitsCode: string | null;
  readonly waitsTold: string | null;
}

export async function runOf({ api }: Pick<Running, 'api'>, runId: string): Promise<Run> {
  return (await api.get<{ run: Run }>(`/v1/runs/${runId}`)).run;
}

/** When a run was seen to have ended. */
export async function ended(running: Pick<Running, 'api'>, runId: string): Promise<number> {
  return until(async () =>
    (await runOf(running, runId)).state === 'ended' ? Date.now() : undefined,
  );
}

export function say(text: string): void {
  console.log(`\n${colors.cyan('▌')} ${text}`);
}

export function secondsSince(began: number): number {
  return Math.round((Date.now() - began) / 100) / 10;
}

export async function until<T>(
  look: () => Promise<T | undefined>,
  everyMs = 50,
  withinMs = 60_000,
): Promise<T> {
  const stop = Date.now() + withinMs;
  while (Date.now() < stop) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await pause(everyMs);
  }
  throw new Error(`the demo waited for ${withinMs / 1_000} s in vain`);
}
