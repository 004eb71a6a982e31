/** `npm run demo`: a real secret, real programs that use it, one that nobody declared, and then a leak. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import colors from 'picocolors';
import { openApi, type ApiClient } from '../../client/http.js';
import { removeState } from '../../infra/embedded/state.js';
import { packageRoot } from '../../infra/package-root.js';
import { onSignals, runMain } from '../child.js';
import { freePort } from '../stack/first-start.js';
import { startStack, type Stack } from '../stack/stack.js';
import { openCli, type Cli } from './cli.js';
import { broken, figuresText, type Figures } from './figures.js';
import {
  attemptsOf,
  checkpoint,
  countOrphans,
  outageSince,
  plaintextHits,
  tryValue,
} from './observer.js';
import {
  declarations,
  declared,
  setScene,
  startDependent,
  undeclared,
  type Dependent,
  type Scene,
} from './scene.js';

const secret = 'acme/billing-api';
const path = '/v1/secrets/acme/billing-api';

interface Demo {
  readonly scene: Scene;
  readonly stack: Stack;
  readonly cli: Cli;
  readonly api: ApiClient;
}

function say(text: string): void {
  console.log(`\n${colors.cyan('▌')} ${text}`);
}

interface Run {
  readonly state: string;
  readonly outcome: string | null;
  readonly waitsCode: string | null;
  readonly waitsTold: string | null;
}

async function until<T>(look: () => Promise<T | undefined>, everyMs = 50): Promise<T> {
  const stop = Date.now() + 60_000;
  while (Date.now() < stop) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await pause(everyMs);
  }
  throw new Error('the demo waited for a minute in vain');
}

async function runOf({ api }: Demo, runId: string): Promise<Run> {
  return (await api.get<{ run: Run }>(`/v1/runs/${runId}`)).run;
}

function currentValue({ scene }: Demo): string {
  const file = readFileSync(join(scene.folder, 'reports.json'), 'utf8');
  return (JSON.parse(file) as { api: { secret: string } }).api.secret;
}

async function declareAndAdopt({ scene, cli }: Demo): Promise<void> {
  const file = join(scene.folder, 'acme.yaml');
  writeFileSync(file, declarations(scene, declared));
  await cli.run(['apply', '-f', file]);
  await cli.run(['adopt', secret, '--value-stdin'], scene.oldValue);
  await pause(1_200);
  await cli.run(['plan', secret]);
}

interface Rotated {
  readonly began: number;
  readonly ended: number;
  readonly undeclaredFound: boolean;
}

async function rotate(demo: Demo): Promise<Rotated> {
  const { cli, scene } = demo;
  const began = Date.now();
  const asked = await cli.run(['rotate', secret, '--reason', 'the demo']);
  const runId = /run ([0-9a-f-]{36})/.exec(asked.output)?.[1] ?? '';
  const watching = cli.run(['watch', runId.slice(0, 8)]);
  const told = await until(async () => {
    const { waitsCode, waitsTold } = await runOf(demo, runId);
    return waitsCode === 'undeclared-use' ? (waitsTold ?? '') : undefined;
  });
  say(
    `${undeclared} is not declared, and it uses the old value: nothing is revoked.\n  It is declared now; the run goes on by itself.`,
  );
  const file = join(scene.folder, 'nightly.yaml');
  writeFileSync(file, declarations(scene, [undeclared]));
  await cli.run(['apply', '-f', file]);
  await watching;
  const ended = await until(async () =>
    (await runOf(demo, runId)).state === 'ended' ? Date.now() : undefined,
  );
  await cli.run(['report', runId.slice(0, 8)]);
  const undeclaredFound = told.includes('127.0.0.1') && told.includes(`${undeclared}/1.0`);
  return { began, ended, undeclaredFound };
}

interface LateUse {
  readonly oldValueRefused: boolean;
  readonly foundAfterMs: number;
}

async function useLate({ scene, api }: Demo): Promise<LateUse> {
  say('Somebody finds the old value on a laptop and tries it.');
  const before = Date.now();
  const outcome = await tryValue(scene, scene.oldValue, 'old-laptop/1.0');
  const finding = await until(async () => {
    const found = await api.get<{ code: string; message: string }[]>('/v1/findings');
    return found.find(
      ({ code, message }) => code === 'revoked-use' && message.includes('old-laptop'),
    );
  }, 20);
  const foundAfterMs = Date.now() - before;
  console.log(`  ${colors.red(outcome)}; finding after ${foundAfterMs} ms: ${finding.message}`);
  return { oldValueRefused: outcome === 'refused', foundAfterMs };
}

interface Contained {
  readonly began: number;
  readonly containMs: number;
}

async function contain(demo: Demo): Promise<Contained> {
  const { scene, api } = demo;
  const leaked = currentValue(demo);
  say('The new value leaks. It is contained first, and replaced afterwards.');
  console.log(`\n${colors.dim('$')} ${colors.bold(`rotor compromise ${secret} --confirm revoke`)}`);
  const began = Date.now();
  const asked = api.post<{ runId: string }>(`${path}/runs`, {
    kind: 'compromise',
    reason: 'leaked in the demo',
    confirm: 'revoke',
  });
  const refusedAt = await until(async () => {
    const outcome = await tryValue(scene, leaked, 'attacker/1.0');
    return outcome === 'refused' ? Date.now() : undefined;
  }, 8);
  console.log(`  refused ${refusedAt - began} ms after it was asked for`);
  const { runId } = await asked;
  await demo.cli.run(['watch', runId.slice(0, 8)]);
  await pause(500);
  return { began, containMs: refusedAt - began };
}

interface Observed {
  readonly rotated: Rotated;
  readonly late: LateUse;
  readonly contained: Contained;
  readonly values: readonly string[];
}

async function measure(
  demo: Demo,
  observed: Observed,
  seconds: { ready: number; began: number },
): Promise<Figures> {
  const { scene, stack, cli, api } = demo;
  const { rotated, late, contained } = observed;
  const everybody: Dependent[] = [...declared, undeclared];
  const attempts = new Map(everybody.map((name) => [name, attemptsOf(scene, name)]));
  const all = [...attempts.values()].flat();
  const inRotation = all.filter(({ at }) => at >= rotated.began && at <= rotated.ended);
  const outages = everybody.map(
    (name) => [name, outageSince(attempts.get(name) ?? [], contained.began)] as const,
  );
  const audit = await cli.run(['audit', 'verify']);
  await checkpoint(stack.databaseOwnerUrl);
  return {
    requests: all.length,
    refusedRequestsOfDeclaredDependents: inRotation.filter(({ outcome }) => outcome === 'refused')
      .length,
    lostRequests: all.filter(({ outcome }) => outcome === 'lost').length,
    undeclaredFound: rotated.undeclaredFound,
    oldValueRefused: late.oldValueRefused,
    revokedUseFound: late.foundAfterMs <= 1_000,
    revokedUseFoundMilliseconds: late.foundAfterMs,
    containMilliseconds: contained.containMs,
    outageMillisecondsPerDependent: Object.fromEntries(outages),
    orphans: await countOrphans(scene, await api.get(path)),
    auditVerified: audit.code === 0,
    plaintextHits: plaintextHits(scene.stateFolder, observed.values),
    secondsToReady: seconds.ready,
    secondsTotal: secondsSince(seconds.began),
  };
}

function secondsSince(began: number): number {
  return Math.round((Date.now() - began) / 100) / 10;
}

async function play(demo: Demo, seconds: { ready: number; began: number }): Promise<Figures> {
  const { scene } = demo;
  await declareAndAdopt(demo);
  const rotated = await rotate(demo);
  const values = [scene.oldValue, currentValue(demo)];
  const late = await useLate(demo);
  const contained = await contain(demo);
  values.push(currentValue(demo));
  return measure(demo, { rotated, late, contained, values }, seconds);
}

async function open(began: number): Promise<{ demo: Demo; ready: number }> {
  const stateFolder = join(packageRoot(), '.rotor', `demo-${process.pid}`);
  const folder = join(stateFolder, 'programs');
  mkdirSync(folder, { recursive: true });
  const tell = (line: string): void => console.log(colors.yellow(`  ${line}`));
  const stack = await startStack({ stateFolder, roots: [folder], port: await freePort(0), tell });
  const ready = secondsSince(began);
  console.log(
    `${colors.bold('rotor')} is ready after ${ready} s (worker: pid ${stack.workerPid() ?? '?'}, API: ${stack.url})`,
  );
  const scene = await setScene({ folder, stateFolder, url: stack.url });
  const token = readFileSync(stack.tokenFile, 'utf8').trim();
  const api = openApi({ url: stack.url, token });
  return { demo: { scene, stack, api, cli: openCli(stateFolder) }, ready };
}

await runMain(async () => {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, keep: { type: 'boolean' } },
  });
  const began = Date.now() - Math.round(process.uptime() * 1_000);
  const { demo, ready } = await open(began);
  const { scene, stack } = demo;
  const everybody: Dependent[] = [...declared, undeclared];
  const programs = everybody.map((name) => startDependent(scene, name));
  say(
    `Five programs use ${secret}, ten times a second each. Four are declared:\n  ${declared.join(', ')}. Nobody remembers the fifth.`,
  );
  await pause(1_500);
  const figures = await play(demo, { ready, began });
  say('Measured from outside:');
  console.log(figuresText(figures));
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  const failed = broken(figures);
  for (const promise of failed) console.log(colors.red(`  does not hold: ${promise}`));
  if (failed.length > 0) process.exitCode = 1;
  if (values.keep === true) await keep(stack);
  for (const program of programs) program.kill();
  await stack.stop();
  if (values.keep !== true) removeState(scene.stateFolder);
});

async function keep({ url, tokenFile, temporalUiUrl }: Stack): Promise<void> {
  say(
    `Everything stays: API ${url}, Temporal UI ${temporalUiUrl ?? ''}, token ${tokenFile}. Ctrl-C ends it.`,
  );
  await new Promise<void>((resolve) => onSignals(resolve));
}
