import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rotorIn, type Rotor } from '../product/rotor.js';
import {
  end,
  eventually,
  openInstallation,
  openSecret,
  type Installation,
  type UsedSecret,
} from './installation.js';
import { backUp, setBack } from './set-back.js';

let installation: Installation;
let secret: UsedSecret;
let rotor: Rotor;
let worker: ChildProcess;

beforeAll(async () => {
  installation = await openInstallation();
  installation.start('api');
  worker = installation.start('worker');
  await installation.ready();
  rotor = rotorIn(installation);
  secret = await openSecret(installation, 'shop');
});
afterAll(async () => {
  await secret.stop();
  await installation.close();
});

async function rotate(): Promise<void> {
  const runId = await secret.ask('rotate');
  await eventually(async () => (await secret.run(runId))['outcome'] === 'succeeded');
}

async function isRecovering(): Promise<boolean> {
  return (await installation.api.get<{ recovering: boolean }>('/v1/recovery')).recovering;
}

interface Kept {
  readonly beat: number;
}

function pulse(): number {
  const text = readFileSync(join(installation.folder, 'pulse.json'), 'utf8');
  return (JSON.parse(text) as Kept).beat;
}

test('a worker that starts on a backup notices it; doctor says so, recover mends it, and nobody is refused', async () => {
  const { ownerPool } = installation.database;
  await eventually(() => Promise.resolve(pulse() > 0));
  await backUp(ownerPool);
  const before = pulse();
  await rotate();
  await eventually(() => Promise.resolve(pulse() > before));
  await end(worker);
  await setBack(ownerPool);
  worker = installation.start('worker');
  await eventually(isRecovering);

  const doctor = await rotor(['doctor']);
  expect([doctor.code, doctor.out]).toEqual([8, expect.stringContaining('nothing is revoked')]);
  const findings = await rotor(['findings']);
  expect(findings.out).toMatch(/critical installation the database was set back/);
  const sweep = await rotor(['sweep']);
  expect([sweep.code, sweep.err]).toEqual([5, expect.stringContaining('recovering')]);

  const unsure = await rotor(['recover', '--reason', 'test']);
  expect([unsure.code, unsure.err]).toEqual([2, expect.stringContaining('confirmation-needed')]);
  const word = ['--confirm', 'recover'];
  const bad = await rotor(['recover', ...word]);
  expect([bad.code, bad.err]).toEqual([2, expect.stringContaining('reason')]);
  const unknown = ['--without', 'x', '--without', 'y'];
  const none = await rotor(['recover', ...word, '--reason', 'test', ...unknown]);
  expect([none.code, none.err.match(/no secret has an issuer/g)?.length]).toEqual([2, 2]);
  const dry = await rotor(['recover', '--dry-run']);
  expect([dry.code, dry.out]).toEqual([0, expect.stringMatching(/acme\/shop +adopted/)]);
  expect(await isRecovering()).toBe(true);
  const done = await rotor(['recover', ...word, '--reason', 'test']);
  expect([done.code, done.out]).toEqual([0, expect.stringContaining('recovered: versions')]);
  expect(await isRecovering()).toBe(false);

  await rotate();
  // The worker that remembers a longer life of the database knows that it is over.
  const since = pulse();
  await eventually(() => Promise.resolve(pulse() > since));
  expect(await isRecovering()).toBe(false);
  expect(await secret.orphans()).toEqual([]);
  expect(secret.refused).toEqual([]);
  const trail = await rotor(['audit', 'export', '--from', '2026-01-01']);
  for (const change of ['recovering-began', 'recovery-asked', 'recovered'])
    expect(trail.out).toContain(`"change":"${change}"`);
  expect(await rotor(['audit', 'verify'])).toMatchObject({ code: 0 });
}, 120_000);
