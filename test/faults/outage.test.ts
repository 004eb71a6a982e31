import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Check } from '../../api/parts.js';
import type { ChildProcess } from 'node:child_process';
import {
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type UsedSecret,
} from './installation.js';
import type { Proxies } from './proxy.js';

/** A minute, as an operator or a provider restarts a server; the work goes on within this time afterwards. */
const outageMs = 60_000;
const backWithinMs = 60_000;

type Away = 'database' | 'temporal';

type Proxied = Installation & { readonly proxies: Proxies };

async function openProxied(): Promise<Proxied> {
  const installation = await openInstallation(undefined, { proxied: true });
  const { proxies } = installation;
  if (proxies === undefined) throw new Error('no proxies');
  return { ...installation, proxies };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

async function partsAway({ api }: Installation): Promise<string[]> {
  const checks = await api.get<Check[]>('/v1/checks');
  return checks.filter(({ fine }) => !fine).map(({ part }) => part);
}

function logged({ log }: Installation, line: string): Promise<void> {
  return eventually(() => Promise.resolve(log('worker').includes(line)));
}

async function succeeds(secret: UsedSecret, runId: string): Promise<void> {
  await eventually(async () => (await secret.run(runId))['state'] === 'ended', backWithinMs);
  expect(await secret.run(runId)).toMatchObject({ outcome: 'succeeded' });
}

/** What `rotor doctor` says while it is away. */
const toldWhile: Record<Away, (installation: Installation) => Promise<void>> = {
  // Nobody can be authenticated without the database: the refusal itself names it.
  database: async ({ api }) => {
    await expect(api.get('/v1/checks')).rejects.toMatchObject({ code: 'database-unreachable' });
  },
  temporal: async (installation) => {
    const parts = await partsAway(installation);
    expect(parts).toEqual(expect.arrayContaining(['temporal', 'worker']));
    expect(parts).not.toContain('database');
  },
};

async function onProxies(work: (installation: Proxied) => Promise<void>): Promise<void> {
  const installation = await openProxied();
  try {
    await work(installation);
  } finally {
    await installation.close();
  }
}

async function survives(installation: Proxied, away: Away): Promise<void> {
  const processes = [installation.start('api'), installation.start('worker')];
  await installation.ready();
  const secret = await openSecret(installation, `${away}-away`);
  try {
    await logged(installation, 'worker is ready');
    const runId = await secret.ask('rotate');
    await eventually(async () => (await secret.versions()).length === 2);
    installation.proxies[away].cut();
    const mendAt = Date.now() + outageMs;
    await toldWhile[away](installation);
    await pause(Math.max(0, mendAt - Date.now()));
    installation.proxies[away].mend();
    await succeeds(secret, runId);
    // Another one, which the API itself has to start: it is back as well.
    await succeeds(secret, await secret.ask('rotate'));
  } finally {
    await secret.stop();
  }
  expect(processes.map(isRunning)).toEqual([true, true]);
  expect(secret.refused).toEqual([]);
  expect(await secret.orphans()).toEqual([]);
  expect(await partsAway(installation)).toEqual([]);
}

/** Asked for while Temporal hangs, refused to a worker while it is down, carried out when it is back. */
async function waitsForTemporal(installation: Proxied): Promise<void> {
  const { proxies, log } = installation;
  installation.start('api');
  await installation.ready();
  const secret = await openSecret(installation, 'asked-meanwhile');
  try {
    proxies.temporal.hang();
    expect(await partsAway(installation)).toEqual(['temporal', 'worker']);
    const runId = await secret.ask('rotate');
    proxies.temporal.cut();
    expect(await once(installation.start('worker'), 'exit')).toEqual([1, null]);
    // Whether the proxy resets or closes the connection is chance: it is named either way.
    expect(log('worker')).toMatch(/Temporal at 127\.0\.0\.1:\d+: (nobody|something) answers/);
    proxies.temporal.mend();
    installation.start('worker');
    await succeeds(secret, runId);
  } finally {
    await secret.stop();
  }
}

describe('a server is away in the middle of a rotation, for a minute', () => {
  test.concurrent.each(['database', 'temporal'] as const)(
    '%s: worker and API survive it, the run completes, nobody is refused',
    (away) => onProxies((installation) => survives(installation, away)),
    240_000,
  );

  test.concurrent(
    'a request is taken while Temporal hangs; a worker that does not find it ends and says so, and the next one does the work',
    () => onProxies(waitsForTemporal),
    120_000,
  );
});
