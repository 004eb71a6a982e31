/** `npm run targets start|stop|status`: the real systems that tests run against, kept in the background to look at by hand. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../infra/package-root.js';
import { askFor, askToStop, askWhatRuns } from './asking.js';
import type { Outcome } from './coordinator.js';
import { ensureDaemon, findDaemon, untilGone, type Daemon } from './daemon.js';
import { isTargetName, targets, type TargetName } from './index.js';

const usage = `npm run targets COMMAND

  start [NAME...]   start all targets, or those named, and keep them running
  status            what runs, and where its credentials are
  stop              stop everything

Targets: ${targets.map(({ name }) => name).join(', ')}
Example: npm run targets start openbao redis
`;

/** Where tests have one of their own. */
const state = process.env['ROTOR_STATE'] ?? join(packageRoot(), '.rotor');
const note = join(state, 'targets.json');

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function row([name = '', version = '', address = '', ...took]: readonly string[]): void {
  const cells = [name.padEnd(9), version.padEnd(10), address.padEnd(24)];
  print([...cells, ...took.map((cell) => cell.padStart(9))].join('  ').trimEnd());
}

const head = (): void => row(['target', 'version', 'address', 'obtained', 'started']);
const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;

function show(outcome: Outcome): void {
  if ('error' in outcome) return void row([outcome.name, 'failed']);
  if ('isStarting' in outcome) return void row([outcome.name, 'starting']);
  const { name, address, obtainMilliseconds, startMilliseconds } = outcome;
  const place = 'url' in address ? String(address.url) : `${address.host}:${String(address.port)}`;
  row([name, address.version, place, seconds(obtainMilliseconds), seconds(startMilliseconds)]);
  const more = Object.entries(address).filter(([field]) => isToldBelow(field, 'url' in address));
  if (more.length > 0) print(`  ${more.map(([field, value]) => `${field} ${value}`).join(', ')}`);
}

/** What else somebody needs for rotor.yaml; files lie in the folder that is told at the end. */
function isToldBelow(field: string, hasUrl: boolean): boolean {
  if (/File$|^(version|url|host)$/.test(field)) return false;
  return field !== 'port' || hasUrl;
}

async function start(names: readonly TargetName[]): Promise<number> {
  const leaving = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => leaving.abort(new Error('interrupted')));
  const daemon = await ensureDaemon(note);
  const before = await namesAt(daemon);
  const failed: string[] = [];
  try {
    head();
    for await (const outcome of askFor(daemon.url, { names, undo: true }, leaving.signal)) {
      show(outcome);
      if ('error' in outcome) failed.push(outcome.error);
    }
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    print('interrupted: what was begun is being stopped');
    await untilStopped(
      daemon,
      names.filter((name) => !before.includes(name)),
    );
    return 130;
  }
  for (const reason of failed) print(`\n${reason}`);
  if (failed.length < names.length) tellFolder(daemon);
  return failed.length === 0 ? 0 : 1;
}

async function namesAt(daemon: Daemon): Promise<TargetName[]> {
  return (await askWhatRuns(daemon.url)).map(({ name }) => name);
}

async function untilStopped(daemon: Daemon, begun: readonly TargetName[]): Promise<void> {
  while (findDaemon(note) !== undefined) {
    const left = await namesAt(daemon).catch(() => []);
    if (left.length === 0) return untilGone(daemon);
    if (!left.some((name) => begun.includes(name))) return;
    await pause(100);
  }
}

function tellFolder({ folder }: Daemon): void {
  print(`\ncredentials and logs: ${folder}/TARGET/`);
}

async function status(): Promise<number> {
  const daemon = findDaemon(note);
  const running = daemon === undefined ? [] : await askWhatRuns(daemon.url);
  if (daemon === undefined || running.length === 0) {
    print('nothing runs; npm run targets start');
    return 0;
  }
  head();
  running.forEach(show);
  tellFolder(daemon);
  return 0;
}

async function stop(): Promise<number> {
  const daemon = findDaemon(note);
  if (daemon === undefined) {
    print('nothing runs');
    return 0;
  }
  const names = await namesAt(daemon);
  await askToStop(daemon.url);
  await untilGone(daemon);
  print(`stopped: ${names.join(', ')}`);
  return 0;
}

async function main([command, ...names]: readonly string[]): Promise<number> {
  const known = names.filter(isTargetName);
  const isRight = known.length === names.length && (command === 'start' || names.length === 0);
  if (isRight && command === 'start')
    return start(known.length > 0 ? known : targets.map(({ name }) => name));
  if (isRight && command === 'status') return status();
  if (isRight && command === 'stop') return stop();
  process.stderr.write(usage);
  return 2;
}

process.exit(await main(process.argv.slice(2)));
