/** Kills worker and API again and again while secrets rotate and leak under live traffic, and counts what must never happen. */
import { setTimeout as pause } from 'node:timers/promises';
import { openInstallation, openSecret, type Installation } from '../test/faults/installation.js';
import { churn, type Churned } from './churn.js';
import { countFaults } from './kill-faults.js';
import { openVictims, type Kills } from './victims.js';
import type { Line } from './measure.js';

const secrets = 7;
const endWithinMs = 240_000;

/** Patient with proofs: a program is not to blame where its server was killed. */
const policy = {
  name: 'patient',
  timeouts: { mint: '2s', deliver: '2s', prove: '30m' },
};

export async function killsBench(kills: number): Promise<Line[]> {
  const installation = await openInstallation();
  const victims = openVictims(installation);
  await installation.ready();
  const used = [];
  for (let n = 1; n <= secrets; n += 1)
    used.push(await openSecret(installation, `soaked-${n}`, { policy, everyMs: 150 }));
  let over = false;
  const churning = used.map((secret) => churn(secret, () => over));
  const done = await victims.kill(kills);
  over = true;
  const churned = await Promise.all(churning);
  const open = await untilAllEnded(installation);
  // Whoever was given the last value finds it, before the programs stop.
  await pause(1_000);
  for (const secret of used) await secret.stop();
  const leaks = churned.flatMap(({ leaks }) => leaks);
  const faults = await countFaults(installation, used, leaks);
  const told = await summary(installation, done, churned);
  const { unasked } = done;
  for (const line of [...unasked, ...open, ...faults.details]) process.stderr.write(`${line}\n`);
  await installation.close();
  return [
    ...told.map(([what, measured]): Line => ({ what, measured, goal: 'known', met: true })),
    none('processes that ended unasked', unasked.length),
    none('runs that did not end', open.length),
    ...faults.counts.map(([what, count]) => none(what, count)),
  ];
}

function none(what: string, count: number): Line {
  return { what, measured: String(count), goal: '0', met: count === 0 };
}

/** What is still open when the time is over, with what it waits for. */
async function untilAllEnded({ database }: Installation): Promise<string[]> {
  const stop = Date.now() + endWithinMs;
  for (;;) {
    const { rows } = await database.pool.query<{ told: string }>(
      `select concat_ws(' ', 'open:', s.name, r.kind, r.state, r.waits_code, r.waits_told) as told
       from rotor.runs r join rotor.secrets s on s.id = r.secret_id where r.state <> 'ended'`,
    );
    if (rows.length === 0 || Date.now() > stop) return rows.map(({ told }) => told);
    await pause(250);
  }
}

async function summary(
  { database }: Installation,
  { worker, api, named, points }: Kills,
  churned: readonly Churned[],
): Promise<[string, string][]> {
  const { rows } = await database.pool.query<{ what: string; count: number }>(
    `select kind || ' ' || coalesce(outcome, 'open') as what, count(*)::int as count
     from rotor.runs group by 1`,
  );
  const count = (what: string): string => String(rows.find((row) => row.what === what)?.count ?? 0);
  const superseded = rows.filter(({ what }) => what.endsWith(' superseded'));
  const asked = churned.reduce((sum, { asked }) => sum + asked, 0);
  return [
    ['kills', `${worker + api} (${api} of the API, ${named} at named points)`],
    ['named points reached', String(points.size)],
    ['requests for runs', String(asked)],
    ['rotations completed', count('rotate succeeded')],
    ['compromises completed', count('compromise succeeded')],
    ['runs taken over', String(superseded.reduce((sum, row) => sum + row.count, 0))],
  ];
}
