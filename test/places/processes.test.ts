import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { processes } from '../../places/processes/index.js';
import { look } from './looking.js';

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

test('a process is named by its program and variable, and its id is beside', async () => {
  const needle = randomUUID();
  child = spawn('sleep', ['60'], { env: { ...process.env, API_SECRET: needle } });
  await once(child, 'spawn');
  const { met, told } = await look(processes.open(processes.options.parse({})), needle);
  expect(met.map(({ spot }) => spot)).toEqual([
    {
      identity: 'process sleep#API_SECRET',
      detail: `pid ${String(child.pid)}`,
      variable: 'API_SECRET',
    },
  ]);
  expect(told).toMatch(/^\d+ processes/);
});

test('so many processes are looked at, and the rest is said', async () => {
  const place = processes.open(processes.options.parse({ mostProcesses: 1 }));
  const { passedOver } = await look(place, 'nothing');
  expect(passedOver.at(-1)).toBe('process : after 1 processes the rest was not looked at');
});

test('a doctor is told how many processes the system shows', async () => {
  const place = processes.open(processes.options.parse({}));
  expect(await place.check(AbortSignal.timeout(5_000))).toMatch(/^\d+ processes, of all users$/);
});
