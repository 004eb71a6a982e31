/** Follows a run: redrawn in place on a terminal, one line per change in a pipe. */
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import colors from 'picocolors';
import type { Context } from './context.js';
import { readableLines } from '../../domain/readable.js';
import { shortId } from '../../domain/told-id.js';
import { isBlocked, nextCommand, openBlocked, type Following } from './blocked.js';
import { exitCodes, when } from './output.js';
import { openPatience, patient } from './patience.js';
import { waitingLines } from './task-texts.js';
import type { Row } from './row.js';
import { afterRestarts, openWorkerWatch } from './until-ended.js';
import { link } from './views.js';

interface RunView {
  readonly run: Row;
  readonly versions: readonly Row[];
  readonly dependencies: readonly Row[];
  readonly tasks: readonly Row[];
}

const lookEveryMs = 300;

/** The exit code: 0 succeeded, 1 rolled back or superseded, 7 blocked and `untilBlocked`. */
export async function watchRun(
  { api, output }: Context,
  run: string,
  options: Following,
): Promise<number> {
  const screen = openScreen(output.json);
  const ask = openPatience(output);
  const isStuck = openBlocked();
  const demandWorker = openWorkerWatch(patient(ask, api), options.pace ?? afterRestarts);
  for (;;) {
    const view = await ask(() => api.get<RunView>(`/v1/runs/${encodeURIComponent(run)}`));
    screen.draw(view);
    if (view.run['state'] === 'ended') {
      screen.end();
      return view.run['outcome'] === 'succeeded' ? exitCodes.fine : exitCodes.failed;
    }
    if (options.untilBlocked === true && isStuck(view.run)) {
      screen.end();
      output.note(
        `blocked until somebody helps; then rotor watch ${shortId(view.run['run'])} follows it`,
      );
      return exitCodes.blocked;
    }
    if (options.untilBlocked === true) await demandWorker();
    await pause(lookEveryMs);
  }
}

interface Screen {
  draw(view: RunView): void;
  end(): void;
}

function openScreen(json: boolean): Screen {
  if (json) return jsonScreen();
  return process.stdout.isTTY ? liveScreen() : plainScreen();
}

function jsonScreen(): Screen {
  let last = '';
  return {
    draw: (view) => {
      const text = JSON.stringify(view);
      if (text !== last) process.stdout.write(`${text}\n`);
      last = text;
    },
    end: () => undefined,
  };
}

function linesOf(view: RunView, moment?: (at: unknown) => string): string[] {
  return [headline(view.run), ...progress(view, moment)].map(readableLines);
}

function plainScreen(): Screen {
  const seen = new Set<string>();
  return {
    draw: (view) => {
      // What is due is a moment here: a log is no place for a countdown.
      for (const line of linesOf(view, String)) {
        if (!seen.has(line)) process.stdout.write(`${line}\n`);
        seen.add(line);
      }
    },
    end: () => undefined,
  };
}

function liveScreen(): Screen {
  let drawn = 0;
  return {
    draw: (view) => {
      const width = process.stdout.columns || 80;
      const lines = linesOf(view).flatMap((line) => wrapped(line, width));
      if (drawn > 0) process.stdout.write(`\u001b[${drawn}A\u001b[J`);
      process.stdout.write(`${lines.join('\n')}\n`);
      drawn = lines.length;
    },
    end: () => undefined,
  };
}

const indent = ' '.repeat(12);

/** Who is in the way must not be cut off: long lines go on below, at words; colour codes take no room. */
function wrapped(line: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<=\S) /)) {
    const longer = current === '' ? word : `${current} ${word}`;
    const isFull = visible(longer) > width && current.trim() !== '';
    if (isFull) lines.push(current);
    current = isFull ? `${indent}${word}` : longer;
  }
  return [...lines, current];
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length;
}

function headline(run: Row): string {
  const plan = run['plan'] as { title?: string } | null;
  const title = plan?.title ?? `${String(run['kind'])} ${String(run['secret'])}`;
  const revision = Number(run['revision']);
  const again = revision > 1 ? colors.dim(` (plan revision ${revision})`) : '';
  return `${colors.bold(title)}${again} ${colors.dim(shortId(run['run']))}`;
}

function progress(
  { run, versions, dependencies, tasks }: RunView,
  due: (at: unknown) => string = when,
): string[] {
  const dead = new Set(
    versions.filter(({ state }) => state === 'revoked').map(({ version }) => version),
  );
  const back = goesBackTo(run, versions);
  const lines = dependencies.flatMap((dependency) =>
    dependencyLine(dependency, (version) => (back ? version === back : !dead.has(version))),
  );
  const open = tasks.filter(({ state }) => state === 'open');
  lines.push(...waitingLines(open, due).map((line) => `  ${colors.yellow('…')} ${line}`));
  const states = versions
    .filter(({ state }) => state !== 'ended')
    .slice(-4)
    .map(
      ({ version, state, current }) =>
        `${String(version)} ${String(state)}${current === true ? '●' : ''}`,
    );
  if (states.length > 0) lines.push(`  versions  ${states.join(' · ')}`);
  if (run['waitsCode'] !== null && run['waitsCode'] !== undefined) lines.push(...waitLines(run));
  if (run['outcome'] !== null) lines.push(`  ${outcomeText(run)}`);
  return lines;
}

/** What a run that was turned around gives everybody again; undefined where it goes forward. */
function goesBackTo({ plan }: Row, versions: readonly Row[]): unknown {
  const { direction, towards } = (plan ?? {}) as { direction?: string; towards?: string };
  return direction === 'back' ? versions.find(({ id }) => id === towards)?.['version'] : undefined;
}

/** The last delivery of a version that counts: what was given before says nothing of where it is now. */
function dependencyLine(dependency: Row, counts: (version: unknown) => boolean): string[] {
  const deliveries = (dependency['deliveries'] ?? []) as Row[];
  const last = deliveries.filter(({ version }) => counts(version)).at(-1) ?? deliveries.at(-1);
  if (last === undefined) return [];
  const name = String(dependency['dependent']).padEnd(18);
  const version = String(last['version']);
  if (last['failure'] !== null)
    return [`  ${colors.red('✗')} ${name} ${version} ${String(last['failure'])}`];
  if (last['delivered'] === null)
    return [`  ${colors.yellow('…')} ${name} ${version} is being delivered`];
  if (last['moved'] === null)
    return [`  ${colors.yellow('…')} ${name} ${version} delivered, waiting for proof`];
  return [`  ${colors.green('✓')} ${name} ${version} ${String(last['evidence'])}`];
}

function waitLines(run: Row): string[] {
  const code = String(run['waitsCode']);
  const told = String(run['waitsTold']);
  if (code === 'waiting') return [`  ${colors.dim('waits')}     ${told}`];
  if (code === 'retrying') return [`  ${colors.yellow('retries')}   ${told}`];
  const colour = isBlocked(run) ? colors.red : colors.yellow;
  const next = isBlocked(run) ? nextCommand(run) : undefined;
  return [
    `  ${colour('held')}      ${told} ${link(code)}`,
    ...(next === undefined ? [] : [`  next      ${next}`]),
  ];
}

function outcomeText({ outcome, supersededBy }: Row): string {
  if (outcome === 'succeeded') return colors.green('succeeded');
  if (outcome !== 'superseded' || supersededBy === null) return colors.yellow(String(outcome));
  const later = shortId(supersededBy);
  const what = `run ${later} took the secret over, and this one does nothing more`;
  return `${colors.yellow('superseded')}: ${what} (rotor watch ${later})`;
}
