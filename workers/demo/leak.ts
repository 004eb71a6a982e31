/** A real secret, real programs that use it, one that nobody declared, and then a leak. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import colors from 'picocolors';
import type { ApiClient } from '../../client/http.js';
import { shortId } from '../../domain/told-id.js';
import { credentialsOf, tryValue } from './authority.js';
import { runIn, type Cli } from './cli.js';
import { promisesOf, type Figures } from './figures.js';
import {
  attemptsOf,
  checkpoint,
  orphansAmong,
  outageSince,
  plaintextHits,
  type ShownVersion,
} from './observer.js';
import { valueIn } from './places.js';
import {
  declarations,
  declared,
  setScene,
  startDependent,
  undeclared,
  type Dependent,
  type Scene,
} from './scene.js';
import {
  ended,
  runOf,
  say,
  secondsSince,
  until,
  type Played,
  type Running,
  type Stage,
} from './stage.js';

const secret = 'acme/billing-api';
const path = '/v1/secrets/acme/billing-api';

interface Demo {
  readonly stage: Stage;
  readonly running: Running;
  readonly scene: Scene;
  readonly cli: Cli;
  readonly api: ApiClient;
}

function currentValue({ scene }: Demo): string {
  return valueIn({ source: 'json', file: join(scene.folder, 'reports.json') });
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
  const runId = runIn(asked);
  const watching = cli.run(['watch', shortId(runId)]);
  const told = await until(async () => {
    const { waitsCode, waitsTold } = await runOf(demo.running, runId);
    return waitsCode === 'undeclared-use' ? (waitsTold ?? '') : undefined;
  });
  say(
    `${undeclared} is not declared, and it uses the old value: nothing is revoked.\n  It is declared now; the run goes on by itself.`,
  );
  const file = join(scene.folder, 'nightly.yaml');
  writeFileSync(file, declarations(scene, [undeclared]));
  await cli.run(['apply', '-f', file]);
  await watching;
  const endedAt = await ended(demo.running, runId);
  await cli.run(['report', shortId(runId)]);
  const undeclaredFound = told.includes('127.0.0.1') && told.includes(`${undeclared}/1.0`);
  return { began, ended: endedAt, undeclaredFound };
}

interface LateUse {
  readonly oldValueRefused: boolean;
  readonly foundAfterMs: number;
}

async function useLate({ scene, api }: Demo): Promise<LateUse> {
  say('Somebody finds the old value on a laptop and tries it.');
  const before = Date.now();
  const { clientId, oldValue: value } = scene;
  const outcome = await tryValue(scene, { clientId, value, userAgent: 'old-laptop/1.0' });
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
    const attempt = { clientId: scene.clientId, value: leaked, userAgent: 'attacker/1.0' };
    const outcome = await tryValue(scene, attempt);
    return outcome === 'refused' ? Date.now() : undefined;
  }, 8);
  console.log(`  refused ${refusedAt - began} ms after it was asked for`);
  const { runId } = await asked;
  await demo.cli.run(['watch', shortId(runId)]);
  await pause(500);
  return { began, containMs: refusedAt - began };
}

interface Observed {
  readonly rotated: Rotated;
  readonly late: LateUse;
  readonly contained: Contained;
  readonly values: readonly string[];
}

async function measure(demo: Demo, observed: Observed): Promise<Figures> {
  const { stage, running, scene, cli, api } = demo;
  const { rotated, late, contained } = observed;
  const attempts = new Map(everybody.map((name) => [name, attemptsOf(scene.folder, name)]));
  const all = [...attempts.values()].flat();
  const inRotation = all.filter(({ at }) => at >= rotated.began && at <= rotated.ended);
  const outages = everybody.map(
    (name) => [name, outageSince(attempts.get(name) ?? [], contained.began)] as const,
  );
  const { versions } = await api.get<{ versions: ShownVersion[] }>(path);
  const audit = await cli.run(['audit', 'verify']);
  await checkpoint(running.stack.databaseOwnerUrl);
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
    orphans: orphansAmong(await credentialsOf(scene, scene.clientId), versions),
    auditVerified: audit.code === 0,
    plaintextHits: plaintextHits(scene.stateFolder, observed.values),
    secondsToReady: running.secondsToReady,
    secondsTotal: secondsSince(stage.began),
  };
}

const everybody: readonly Dependent[] = [...declared, undeclared];

async function play(demo: Demo): Promise<Figures> {
  const { scene } = demo;
  await declareAndAdopt(demo);
  const rotated = await rotate(demo);
  const values = [scene.oldValue, currentValue(demo)];
  const late = await useLate(demo);
  const contained = await contain(demo);
  values.push(currentValue(demo));
  return measure(demo, { rotated, late, contained, values });
}

export async function leak(stage: Stage): Promise<Played> {
  const running = await stage.start();
  const { stack, api } = running;
  const { folder, stateFolder, cli } = stage;
  const scene = await setScene({ folder, stateFolder, url: stack.url });
  for (const name of everybody) {
    const program = startDependent(scene, name);
    stage.atEnd(() => program.kill());
  }
  say(
    `Five programs use ${secret}, ten times a second each. Four are declared:\n  ${declared.join(', ')}. Nobody remembers the fifth.`,
  );
  await pause(1_500);
  const figures = await play({ stage, running, scene, cli, api });
  return { figures, promises: promisesOf(figures), stack };
}
