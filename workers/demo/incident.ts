/** A host that holds six of eight secrets is broken into: all that it held is contained, though the worker dies meanwhile. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import colors from 'picocolors';
import { shortId } from '../../domain/told-id.js';
import { tryValue } from './authority.js';
import {
  adopt,
  declarations,
  makeSecrets,
  orphansOf,
  placeIn,
  quickPolicy,
  startUsers,
  usersOf,
  valuesOf,
  type CastSecret,
  type Played as PlayedSecret,
} from './cast.js';
import { promisesOfIncident, spread, type IncidentFigures } from './incident-figures.js';
import { attemptsOf, checkpoint, outageSince, plaintextHits } from './observer.js';
import { valueIn, watchPlaces, type Place } from './places.js';
import { runIn } from './cli.js';
import { ended, say, secondsSince, until, type Played, type Running, type Stage } from './stage.js';

const host = 'build-host';

interface Listed extends CastSecret {
  readonly held: 'now' | 'once' | 'never';
}
type Secret = PlayedSecret<Listed>;

const secrets: readonly Listed[] = [
  { name: 'orders-api', role: 'Contributor', users: ['checkout', 'warehouse'], held: 'now' },
  { name: 'payments-api', role: 'Contributor', users: ['checkout'], held: 'now' },
  { name: 'registry-push', role: 'Contributor', users: [], held: 'now' },
  { name: 'mail-api', role: 'Viewer', users: ['warehouse', 'reports'], held: 'now' },
  { name: 'metrics-read', role: 'Viewer', users: ['reports'], held: 'now' },
  { name: 'backup-api', role: 'Contributor', users: ['warehouse'], held: 'once' },
  { name: 'signing-api', role: 'Contributor', users: ['checkout'], held: 'never' },
  { name: 'search-api', role: 'Viewer', users: ['reports'], held: 'never' },
];

const atOnce = 2;

interface Scene {
  readonly stage: Stage;
  readonly running: Running;
  readonly url: string;
  readonly stateFolder: string;
  readonly all: readonly Secret[];
}

function withHost(all: readonly Secret[], when: Listed['held']): Secret[] {
  return all.map((one) => (one.held === when ? { ...one, users: [...one.users, host] } : one));
}

function hostPlaces({ stage, all }: Scene): Place[] {
  return all
    .filter(({ held }) => held !== 'never')
    .map(({ name }) => placeIn(stage.folder, host, name));
}

async function apply({ folder, cli }: Stage, declared: readonly Secret[]): Promise<void> {
  const file = join(folder, 'acme.yaml');
  // The host may rest: what it was given is read back.
  const moreOf = (user: string): object => (user === host ? { leastEvidence: 'read-back' } : {});
  writeFileSync(file, declarations(folder, { policies: [quickPolicy], secrets: declared, moreOf }));
  await cli.run(['apply', '-f', file]);
}

/** What the host holds now, and what it was given before it was built anew. */
async function setUp(stage: Stage): Promise<Scene> {
  const running = await stage.start();
  const { stack, api } = running;
  const { folder, stateFolder, cli } = stage;
  const place = { stateFolder, url: stack.url };
  const known = secrets.map((one) =>
    one.held === 'never' ? one : { ...one, users: [...one.users, host] },
  );
  const made = await makeSecrets(folder, place, known);
  const all = made.map((one) => ({ ...one, users: one.users.filter((user) => user !== host) }));
  startUsers(stage, stack.url, withHost(all, 'now'));
  say(
    `Eight secrets, ${usersOf(all).length + 1} programs that log in ten times a second. ${host} uses one of them so far.`,
  );
  await apply(stage, withHost(all, 'once'));
  await adopt(api, all);
  await cli.run(['rotate', 'acme/backup-api', '--reason', 'as every quarter', '--watch']);
  say(`${host} is built anew: it needs backup-api no longer, and five others instead.`);
  await cli.run(['dependents', 'retire', `acme/${host}`]);
  await apply(stage, withHost(all, 'now'));
  return { stage, running, all, ...place };
}

/** What whoever broke in has found: the value of each secret as it was then. */
function found({ stage, all }: Scene): Map<string, string> {
  return new Map(
    all.map(({ name, held, oldValue }) => [
      name,
      held === 'never' ? oldValue : valueIn(placeIn(stage.folder, host, name)),
    ]),
  );
}

interface Watched {
  /** When each found value was refused first. */
  readonly refusedAt: ReadonlyMap<string, number>;
  /** Values that lay on the host at any time since. */
  readonly onHost: ReadonlySet<string>;
  stop(): Promise<void>;
}

const lookEveryMs = 15;

/** Tries what was found again and again, and looks at what lies on the host. */
function watch(scene: Scene, values: ReadonlyMap<string, string>): Watched {
  const refusedAt = new Map<string, number>();
  const onHost = watchPlaces(hostPlaces(scene));
  let watching = true;
  const tryOne = async ({ name, clientId, held }: Secret): Promise<void> => {
    const attempt = { clientId, value: values.get(name) ?? '', userAgent: 'intruder/1.0' };
    while (watching && !refusedAt.has(name)) {
      if ((await tryValue(scene, attempt)) === 'refused') refusedAt.set(name, Date.now());
      await pause(held === 'never' ? 20 * lookEveryMs : lookEveryMs);
    }
  };
  const working = scene.all.map(tryOne);
  return {
    refusedAt,
    onHost: onHost.seen,
    stop: async () => {
      watching = false;
      await Promise.all([...working, onHost.stop()]);
    },
  };
}

interface Contained {
  readonly began: number;
  readonly requested: number;
  readonly planned: number;
  readonly code: number;
  readonly incident: string;
  readonly watched: Watched;
  readonly refusedBeforeTheKill: number;
}

async function contain(scene: Scene, values: ReadonlyMap<string, string>): Promise<Contained> {
  const { cli } = scene.stage;
  const { api, stack } = scene.running;
  const leakedBefore = new Date().toISOString();
  const subject = ['--dependent', `acme/${host}`, '--leaked-before', leakedBefore];
  say(`${host} was broken into. What did it hold, and who breaks?`);
  await cli.run(['incident', 'plan', ...subject]);
  const asked = { dependent: `acme/${host}`, leakedBefore };
  const planned = await api.post<unknown[]>('/v1/incidents/plan', asked);
  say('All of it is contained, the most dangerous first, and nothing new goes to the host.');
  const watched = watch(scene, values);
  const began = Date.now();
  const how = ['--quarantine', '--at-once', String(atOnce), '--confirm', 'revoke', '--watch'];
  const reason = ['--reason', 'somebody broke in'];
  const started = cli.run(['incident', 'start', ...subject, ...reason, ...how]);
  await until(() => Promise.resolve(watched.refusedAt.size > 0 || undefined), 2);
  const refusedBeforeTheKill = watched.refusedAt.size;
  process.kill(stack.workerPid() ?? 0, 'SIGKILL');
  console.log(colors.bold(`  kill -9: the worker dies after ${refusedBeforeTheKill} refused`));
  const { code } = await started;
  const [incident] = await api.get<{ id: string; started: string }[]>('/v1/incidents');
  const { id, started: requested } = incident ?? { id: '', started: '' };
  await cli.run(['incident', 'report', shortId(id)]);
  return {
    ...{ began, planned: planned.length, code, watched, refusedBeforeTheKill },
    ...{ incident: shortId(id), requested: Date.parse(requested) },
  };
}

/** How long it takes until the host has, and uses, what it missed; ms. */
async function release({ stage, all, running }: Scene, { incident }: Contained): Promise<number> {
  const { cli, folder } = stage;
  const began = Date.now();
  say(`${host} is sound again. What it missed comes with the next rotation of each.`);
  await cli.run(['incident', 'release', incident, '--reason', 'installed anew']);
  const held = all.filter((one) => one.held === 'now').map(({ name }) => name);
  const runs: string[] = [];
  for (const name of held)
    runs.push(runIn(await cli.run(['rotate', `acme/${name}`, '--reason', `${host} is back`])));
  const works = await until(() => {
    const attempts = attemptsOf(folder, host);
    const last = held.map((name) => attempts.filter(({ about }) => about === name).at(-1));
    const all = last.every((attempt) => attempt?.outcome === 'accepted');
    return Promise.resolve(all ? Date.now() - began : undefined);
  });
  for (const run of runs) await ended(running, run);
  return works;
}

/** Each program but the host, with each secret: how long it was refused. */
function outages({ stage, all }: Scene, since: number): [string, number][] {
  return all
    .filter(({ held }) => held !== 'never')
    .flatMap(({ name, users }) =>
      users.map((user): [string, number] => {
        const attempts = attemptsOf(stage.folder, user).filter(({ about }) => about === name);
        return [`${user} ${name}`, outageSince(attempts, since)];
      }),
    );
}

interface Observed {
  readonly contained: Contained;
  readonly valuesReachedHost: number;
  readonly refusedValues: readonly string[];
  readonly acceptedValues: readonly string[];
  readonly releasedMs: number;
  readonly values: readonly string[];
}

async function measure(scene: Scene, observed: Observed): Promise<IncidentFigures> {
  const { stage, running, all } = scene;
  const { contained, refusedValues, acceptedValues } = observed;
  const { watched, began, requested } = contained;
  const times = [...watched.refusedAt.values()];
  const others = usersOf(all).flatMap((user) => attemptsOf(stage.folder, user));
  const never = all.filter(({ held }) => held === 'never').map(({ name }) => name);
  const audit = await stage.cli.run(['audit', 'verify']);
  await checkpoint(running.stack.databaseOwnerUrl);
  return {
    secrets: all.length,
    held: all.length - never.length,
    planned: contained.planned,
    contained: refusedValues.length,
    refusedBeforeTheWorkerWasKilled: contained.refusedBeforeTheKill,
    watchExitCode: contained.code,
    commandToRefusedMilliseconds: spread(times.map((at) => at - began)),
    requestToRefusedMilliseconds: spread(times.map((at) => at - requested)),
    neverHeld: never.length,
    neverHeldStillAccepted: acceptedValues.filter((name) => never.includes(name)).length,
    refusedRequestsOfNeverHeld: others.filter(
      ({ about, outcome }) => never.includes(about) && outcome === 'refused',
    ).length,
    outageMillisecondsPerDependent: Object.fromEntries(outages(scene, began)),
    othersWork: outages(scene, Date.now() - 1_000).every(([, ms]) => ms === 0),
    valuesThatReachedTheHost: observed.valuesReachedHost,
    releaseAndRotationsToWorkingMilliseconds: observed.releasedMs,
    requests: others.length,
    orphans: await orphansOf(scene, running.api, all),
    auditVerified: audit.code === 0,
    plaintextHits: plaintextHits(stage.stateFolder, observed.values),
    secondsToReady: running.secondsToReady,
    secondsTotal: secondsSince(stage.began),
  };
}

/** The names of those whose found value is answered so now. */
async function answered(
  scene: Scene,
  values: ReadonlyMap<string, string>,
  outcome: 'accepted' | 'refused',
): Promise<string[]> {
  const names: string[] = [];
  for (const { name, clientId } of scene.all) {
    const attempt = { clientId, value: values.get(name) ?? '', userAgent: 'intruder/1.0' };
    if ((await tryValue(scene, attempt)) === outcome) names.push(name);
  }
  return names;
}

export async function incident(stage: Stage): Promise<Played> {
  const scene = await setUp(stage);
  const values = found(scene);
  const contained = await contain(scene, values);
  await contained.watched.stop();
  const before = new Set(values.values());
  const reached = [...contained.watched.onHost].filter((value) => !before.has(value));
  const refusedValues = await answered(scene, values, 'refused');
  const acceptedValues = await answered(scene, values, 'accepted');
  const releasedMs = await release(scene, contained);
  await pause(1_000);
  const all = [...before, ...valuesOf(stage.folder, withHost(scene.all, 'now'))];
  const figures = await measure(scene, {
    ...{ contained, refusedValues, acceptedValues, releasedMs },
    valuesReachedHost: reached.length,
    values: [...new Set(all)],
  });
  return { figures, promises: promisesOfIncident(figures), stack: scene.running.stack };
}
