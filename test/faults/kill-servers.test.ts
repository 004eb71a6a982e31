import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openApi } from '../../client/http.js';
import { removeState } from '../../infra/embedded/state.js';
import { freePort } from '../../infra/embedded/readiness.js';
import { readSecret } from '../../workers/stack/first-start.js';
import { startStack, type Stack } from '../../workers/stack/stack.js';
import { eventually, openSecret, type UsedSecret } from './installation.js';

const stateFolder = mkdtempSync(join(tmpdir(), 'rotor-stack-'));
let stack: Stack;
const told: string[] = [];

beforeAll(async () => {
  stack = await startStack({
    stateFolder,
    roots: [stateFolder],
    port: await freePort(),
    tell: (line) => told.push(line),
  });
});
afterAll(async () => {
  await stack.stop();
  removeState(stateFolder);
});

/** The parts of an installation that openSecret needs. */
function installation() {
  const api = openApi({ url: stack.url, token: readFileSync(stack.tokenFile, 'utf8').trim() });
  const authority = async <T>(path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${stack.url}/authority/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${readSecret(stateFolder, 'authority-token')}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as T;
  };
  const apply = (document: unknown) =>
    api.post<{ changes: Record<string, unknown>[] }>('/v1/declarations', {
      documents: [document],
      dryRun: false,
    });
  return { api, authority, apply, folder: stateFolder, url: stack.url };
}

/** Every process that works on this state folder and is of that name. */
function pidsOf(part: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const text =
          readFileSync(`/proc/${pid}/cmdline`, 'utf8') +
          readFileSync(`/proc/${pid}/environ`, 'utf8');
        return text.includes(stateFolder) && text.includes(part);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function kill(part: string): void {
  for (const pid of pidsOf(part)) if (pid !== process.pid) process.kill(pid, 'SIGKILL');
}

async function completesAfter(
  name: string,
  fault: () => void | Promise<void>,
): Promise<UsedSecret> {
  const secret = await openSecret(installation(), name);
  const runId = await secret.ask('rotate');
  await fault();
  await eventually(async () => (await secret.run(runId))['state'] === 'ended');
  await secret.stop();
  expect(await secret.run(runId)).toMatchObject({ outcome: 'succeeded' });
  expect(await secret.orphans()).toEqual([]);
  expect(secret.refused).toEqual([]);
  return secret;
}

test('an interrupt typed at a terminal reaches every part at once: none ends before it is told to, in order', async () => {
  const parts = pidsOf('dist/workers/').filter((pid) => pid !== process.pid);
  expect(parts.length).toBeGreaterThanOrEqual(3);
  for (const pid of parts) process.kill(pid, 'SIGINT');
  await pause(500);
  expect(pidsOf('dist/workers/').filter((pid) => pid !== process.pid)).toEqual(parts);
  const checks = await installation().api.get<{ part: string; fine: boolean }[]>('/v1/checks');
  expect(checks.filter(({ fine }) => !fine)).toEqual([]);
});

test('a second start in the same folder is refused, and leaves the first one as it is', async () => {
  const said: string[] = [];
  const again = {
    stateFolder,
    roots: [stateFolder],
    port: await freePort(),
    tell: (line: string) => said.push(line),
  };
  await expect(startStack(again)).rejects.toMatchObject({
    code: 'servers-failed',
    message: expect.stringMatching(
      /^Error: .*postgres is in use .*\nError: .*temporal is in use /m,
    ),
  });
  expect(said).toEqual([]);
  expect(existsSync(join(stateFolder, 'servers.json'))).toBe(true);
  const pid = stack.workerPid();
  kill('workers/worker.js');
  await eventually(async () => {
    await pause(100);
    return stack.workerPid() !== undefined && stack.workerPid() !== pid;
  });
  expect(told).toContain('worker ended and is started again');
});

test('the API is killed in the middle of a rotation: it is started again, and the run completes', async () => {
  await completesAfter('api-killed', async () => {
    await pause(150);
    kill('workers/api.js');
  });
  expect(told).toContain('api ended and is started again');
});

test('PostgreSQL and Temporal are killed in the middle of a rotation: all come back, and the run completes', async () => {
  await completesAfter('servers-killed', async () => {
    await pause(150);
    kill('stack/servers.js');
  });
  expect(told).toContain('servers ended and is started again');
}, 120_000);
