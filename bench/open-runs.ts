/** Containing a leak while 1,000 runs are open: most wait for a window, others rotate as fast as they can. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type UsedSecret,
} from '../test/faults/installation.js';
import { containOnce } from './contain-once.js';
import { quantile, type Line } from './measure.js';

const waiting = 1_000;
const rotating = 16;
const rounds = 20;
/** Asking more often would be most of the load. */
const lookEveryMs = 250;
/** How many requests are under way at once while the waiting runs are asked for. */
const lanes = 16;

export async function openRunsBench(): Promise<Line[]> {
  const installation = await openInstallation();
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  await declareWaiting(installation);
  await askForAll(installation);
  await eventually(async () => (await countWaiting(installation)) === waiting, 300_000);
  const busy = await Promise.all(
    Array.from({ length: rotating }, (_, index) =>
      openSecret(installation, `busy${index}`, { everyMs: 400 }),
    ),
  );
  const leaky = await openSecret(installation, 'leaky');
  let isOver = false;
  const churning = busy.map((secret) => rotateOnAndOn(secret, () => isOver));
  await containOnce(leaky);
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) took.push(await containOnce(leaky));
  isOver = true;
  const rotations = (await Promise.all(churning)).reduce((sum, count) => sum + count, 0);
  await Promise.all([...busy, leaky].map((secret) => secret.stop()));
  await installation.close();
  return [lineOf(took, rotations)];
}

function lineOf(took: readonly number[], rotations: number): Line {
  const p95 = quantile(took, 0.95);
  const seconds = took.reduce((sum, ms) => sum + ms, 0) / 1_000;
  return {
    what: 'compromise → refused, 1,000 runs open, p95',
    measured: `${p95.toFixed(0)} ms (median ${quantile(took, 0.5).toFixed(0)} ms; ${(rotations / seconds).toFixed(1)} rotations/s)`,
    goal: '≤ 2,000 ms',
    met: p95 <= 2_000,
  };
}

const names = Array.from({ length: waiting }, (_, index) => `waits${index}`);

/** Whose windows never open. */
async function declareWaiting({ apply, folder }: Installation): Promise<void> {
  const blackouts = [{ from: '2000-01-01', to: '2999-12-31', reason: 'bench' }];
  await apply({
    organization: 'acme',
    policies: [{ name: 'frozen', maintenance: { blackouts } }],
    dependents: [{ name: 'program', owner: 'team' }],
    secrets: names.map((name) => ({
      name,
      issuer: 'main',
      owner: 'team',
      policy: 'frozen',
      specification: { role: 'Viewer', validity: '1d' },
      dependencies: [
        {
          dependent: 'program',
          connector: 'dotenv',
          leastEvidence: 'read-back',
          destination: { file: `${folder}/${name}.env`, variable: 'SECRET' },
        },
      ],
    })),
  });
}

async function askForAll({ api }: Installation): Promise<void> {
  const left = names.values();
  const lane = async (): Promise<void> => {
    for (const name of left)
      await api.post(`/v1/secrets/acme/${name}/runs`, { kind: 'rotate', reason: 'bench' });
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function countWaiting({ database }: Installation): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::int from rotor.runs where state = 'running' and waits_code = 'outside-window'`,
  );
  return rows[0]?.count ?? 0;
}

async function rotateOnAndOn(secret: UsedSecret, isOver: () => boolean): Promise<number> {
  let count = 0;
  while (!isOver()) {
    const runId = await secret.ask('rotate');
    while ((await secret.run(runId))['state'] !== 'ended') await pause(lookEveryMs);
    count += 1;
  }
  return count;
}
