/** Slots in three zones, up to a month of rotations in less than a minute, a year that was missed, and a run that others approve. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  adopt,
  declarations,
  makeSecrets,
  orphansOf,
  placeIn,
  startUsers,
  usersOf,
  type Played as PlayedSecret,
} from './cast.js';
import { attemptsOf, checkpoint, plaintextHits } from './observer.js';
import { watchPlaces, type WatchedPlaces } from './places.js';
import { castOf, daysFrom, policiesOf } from './schedule-cast.js';
import { openClock } from './schedule-clock.js';
import { promisesOfSchedule, type ScheduleFigures } from './schedule-figures.js';
import { playMonth, rotateOnce, type Month } from './schedule-month.js';
import { showSlots, type Shown } from './schedule-shown.js';
import { playWaiting, type Waited } from './schedule-waiting.js';
import { say, secondsSince, type Played, type Running, type Stage } from './stage.js';

interface Scene {
  readonly stage: Stage;
  readonly running: Running;
  readonly authority: { readonly stateFolder: string; readonly url: string };
  readonly secrets: readonly PlayedSecret[];
  readonly watched: WatchedPlaces;
}

async function setUp(stage: Stage, days: ReturnType<typeof daysFrom>): Promise<Scene> {
  const running = await stage.start();
  const { folder, stateFolder, cli } = stage;
  const authority = { stateFolder, url: running.stack.url };
  const secrets = await makeSecrets(folder, authority, castOf(days));
  startUsers(stage, authority.url, secrets);
  const file = join(folder, 'acme.yaml');
  writeFileSync(file, declarations(folder, { policies: policiesOf(days), secrets }));
  await cli.run(['apply', '-f', file]);
  const used = secrets.filter(({ users }) => users.length > 0);
  await adopt(running.api, used);
  const places = used.flatMap(({ name, users }) =>
    users.map((user) => placeIn(folder, user, name)),
  );
  const watched = watchPlaces(places);
  say(`${usersOf(secrets).join(', ')} log in ten times a second each.`);
  return { stage, running, authority, secrets, watched };
}

interface Observed {
  readonly shown: Shown;
  readonly month: Month;
  readonly waited: Waited;
}

async function measure(
  { stage, running, authority, secrets, watched }: Scene,
  { shown, month, waited }: Observed,
): Promise<ScheduleFigures> {
  const attempts = usersOf(secrets).flatMap((user) => attemptsOf(stage.folder, user));
  const audit = await stage.cli.run(['audit', 'verify']);
  await watched.stop();
  await checkpoint(running.stack.databaseOwnerUrl);
  const values = [...watched.seen, ...secrets.map(({ oldValue }) => oldValue)];
  return {
    ...shown,
    ...month,
    requests: attempts.length,
    refusedRequests: attempts.filter(({ outcome }) => outcome === 'refused').length,
    ...waited,
    orphans: await orphansOf(
      authority,
      running.api,
      secrets.filter(({ users }) => users.length > 0),
    ),
    auditVerified: audit.code === 0,
    plaintextHits: plaintextHits(stage.stateFolder, [...new Set(values)]),
    secondsToReady: running.secondsToReady,
    secondsTotal: secondsSince(stage.began),
  };
}

export async function schedule(stage: Stage): Promise<Played> {
  const days = daysFrom(new Date());
  const scene = await setUp(stage, days);
  const { running } = scene;
  const { cli } = stage;
  const shown = await showSlots(cli, running.api, days);
  const clock = openClock(running);
  const tookMs = await rotateOnce(stage, running);
  // The month takes its time by the real clock: the rest is played meanwhile.
  const [month, waited] = await Promise.all([
    playMonth(stage, running, { clock, tookMs }),
    playWaiting({ stage, running, clock }),
  ]);
  await cli.run(['schedule', 'next', 'acme/session-key', '--count', '3']);
  const figures = await measure(scene, { shown, month, waited });
  return { figures, promises: promisesOfSchedule(figures), stack: running.stack };
}
