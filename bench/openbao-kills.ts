/** Killed in the middle of a rotation and started again: does what is handed out log in, and is anything left over? */
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { connects } from '../test/issuers/postgres-subject.js';
import { known, type Line } from './measure.js';
import type { Engine } from './openbao-engine.js';
import type { Rotor } from './rotor-postgres.js';

const points = [
  'create:minted',
  'create:sealed',
  'update:delivered',
  'revoke:granted',
  'revoke:called',
];

export async function killsBeside(engine: Engine, rotor: Rotor): Promise<Line[]> {
  return [await killOpenbao(engine), await killRotor(rotor)].map((line) => ({
    ...line,
    ...known,
  }));
}

type Told = Pick<Line, 'what' | 'measured'>;

async function killOpenbao({ server, rotate, url, roles }: Engine): Promise<Told> {
  const role = roles[1] ?? '';
  let [well, answered] = [0, 0];
  for (const _ of points) {
    const asked = rotate(role).then(
      () => (answered += 1),
      () => undefined,
    );
    await pause(randomInt(12));
    await server.kill();
    await asked;
    await server.restart();
    if (await connects(await url(role), 'bench')) well += 1;
  }
  const of = String(points.length);
  return {
    what: 'OpenBao killed in rotate-role',
    measured: `${String(well)} of ${of} hand out what logs in (${String(answered)} answered)`,
  };
}

async function killRotor({ killAt, rotate, secrets, live }: Rotor): Promise<Told> {
  const [, secret] = secrets;
  if (secret === undefined) throw new Error('there is no secret');
  let well = 0;
  for (const point of points) {
    killAt(point);
    await rotate(secret);
    if ((await connects(secret.held(), secret.name)) && (await live(secret)) === 1) well += 1;
  }
  return {
    what: "rotor's worker killed at named points",
    measured: `${String(well)} of ${String(points.length)} completed, nothing left`,
  };
}
