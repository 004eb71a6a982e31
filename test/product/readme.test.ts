import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { removeState } from '../../infra/embedded/state.js';
import { packageRoot } from '../../infra/package-root.js';
import { end, eventually } from '../faults/installation.js';

const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
const run = promisify(execFile);

/** The second block of the quickstart, as it is typed. */
function quickstart(): string {
  const section = /## Quickstart\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? '';
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)][1]?.[1] ?? '';
}

describe('the README', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rotor-readme-'));
  const state = join(folder, 'state');
  const start = spawn(process.execPath, [join(packageRoot(), 'dist', 'workers', 'start.js')], {
    cwd: folder,
    env: { ...process.env, ROTOR_STATE: state },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  start.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));

  beforeAll(() => eventually(() => Promise.resolve(said.includes('rotor is ready'))));
  afterAll(async () => {
    await end(start, 'SIGTERM');
    removeState(state);
    rmSync(folder, { recursive: true, force: true });
  });

  test('its quickstart works as it is typed', async () => {
    const script = quickstart().replaceAll('bin/rotor', join(packageRoot(), 'bin', 'rotor'));
    const { stdout } = await run('sh', ['-ec', script], {
      cwd: folder,
      env: { ...process.env, ROTOR_STATE: state },
    });
    expect(stdout.match(/succeeded/g)).toHaveLength(2);
    expect(stdout).toContain('complete and unchanged');
    expect(readFileSync(join(folder, 'app.env'), 'utf8')).toMatch(/^API_SECRET=.?rotor_cs_/);
  });

  test('names only files that are there', () => {
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(packageRoot(), path)))).toEqual([]);
  });
});

test('the table of the procedure names tests that are there, and commands that are', () => {
  const root = packageRoot();
  const table = readFileSync(join(root, 'docs', 'procedure.md'), 'utf8');
  const usage = readFileSync(join(root, 'test', 'golden', 'texts', 'usage.txt'), 'utf8');
  const files = [...table.matchAll(/`(test\/[\w/.-]+)`/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  const commands = [...table.matchAll(/`rotor ([a-z-]+(?: [a-z]+)?)/g)].map(
    ([, name = '']) => name,
  );
  const isThere = (name: string): boolean => {
    const [first = ''] = name.split(' ');
    return (
      usage.includes(`Usage: rotor ${name} `) || usage.includes(`Usage: rotor ${first} [options]`)
    );
  };
  expect(commands.filter((name) => !isThere(name))).toEqual([]);
});
