/** What a rotation is to a program that logs in all the time, and to what it has open: OpenBao's and rotor's. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'dotenv';
import { connects, session } from '../test/issuers/postgres-subject.js';
import type { Engine } from './openbao-engine.js';
import { known, spread, type Line } from './measure.js';
import { startProgram } from './program.js';
import type { Rotor } from './rotor-postgres.js';

const rotations = 20;

interface Case {
  readonly name: string;
  readonly what: string;
  rotate(): Promise<void>;
  /** What the program logs in with now. */
  find(): Promise<string>;
}

export async function interruptions(engine: Engine, rotor: Rotor): Promise<Line[]> {
  const cases = [asksOpenbao(engine), hasFileOfScript(engine, rotor), hasFileOfRotor(rotor)];
  const lines: Line[] = [];
  for (const one of cases) lines.push(...(await measure(one)));
  return lines;
}

function asksOpenbao({ rotate, url, roles: [role = ''] }: Engine): Case {
  return {
    name: 'asks',
    what: 'OpenBao, the program asks it at each login',
    rotate: () => rotate(role),
    find: () => url(role),
  };
}

/** The best that can be made of a file: written as soon as OpenBao has answered. */
function hasFileOfScript({ rotate, url, roles: [role = ''] }: Engine, rotor: Rotor): Case {
  const file = join(rotor.installation.folder, 'scripted.env');
  const write = async (): Promise<void> =>
    writeFileSync(file, `DATABASE_URL='${await url(role)}'\n`);
  return {
    name: 'scripted',
    what: 'OpenBao, a script writes its file at once',
    rotate: async () => {
      await rotate(role);
      await write();
    },
    find: async () => {
      const found = parse(readFileSync(file, { encoding: 'utf8', flag: 'a+' }))['DATABASE_URL'];
      if (found !== undefined) return found;
      await write();
      return url(role);
    },
  };
}

function hasFileOfRotor({ secrets, rotate }: Rotor): Case {
  const [secret] = secrets;
  if (secret === undefined) throw new Error('there is no secret');
  return {
    name: secret.name,
    what: 'rotor, moves the file and sees it used',
    rotate: () => rotate(secret),
    find: () => Promise.resolve(secret.held()),
  };
}

async function measure(one: Case): Promise<Line[]> {
  const program = startProgram(one.name, one.find);
  if ((await one.find()) === '') await one.rotate();
  const times: number[] = [];
  const after = { old: 0, session: 0 };
  for (let round = 0; round < rotations; round += 1) {
    await pause(100);
    const old = await one.find();
    const open = await session(old, 'bench-session');
    const began = performance.now();
    await one.rotate();
    times.push(performance.now() - began);
    if (await connects(old, 'bench-old')) after.old += 1;
    if (
      await open.query('select 1').then(
        () => true,
        () => false,
      )
    )
      after.session += 1;
    await open.end().catch(() => undefined);
  }
  const { accepted, refused, longestMs } = await program.stop();
  const of = `of ${String(rotations)}`;
  return [
    {
      what: one.what,
      measured: `${String(refused)} of ${String(accepted + refused)} logins refused`,
    },
    { what: '  longest time without a login', measured: `${longestMs.toFixed(0)} ms` },
    { what: '  a rotation meanwhile', measured: spread(times) },
    { what: '  afterwards: old value logs in', measured: `${String(after.old)} ${of}` },
    { what: '  afterwards: old session goes on', measured: `${String(after.session)} ${of}` },
  ].map((line) => ({ ...line, ...known }));
}
