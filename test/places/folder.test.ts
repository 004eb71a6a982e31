import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { folder } from '../../places/folder/index.js';
import { look } from './looking.js';

let path: string;
beforeEach(() => {
  path = realpathSync(mkdtempSync(join(tmpdir(), 'rotor-folder-')));
});
afterEach(() => rmSync(path, { recursive: true }));

function write(name: string, text: string | Buffer): void {
  mkdirSync(join(path, name, '..'), { recursive: true });
  writeFileSync(join(path, name), text);
}

function open(options: object = {}) {
  return folder.open(folder.options.parse({ path, ...options }));
}

test('variables and strings are named as connectors name them, and so they can be declared', async () => {
  write('.env', 'OTHER=x\nAPI_SECRET="needle-1"\n');
  write('app/config.json', JSON.stringify({ api: { 'a/b': ['x', 'needle-1'] } }));
  write('app/values.yaml', 'first: 1\n---\napi:\n  secret: needle-1\n');
  const { met } = await look(open(), 'needle-1');
  const declared = met.filter(({ spot }) => spot.declare !== undefined);
  expect(declared.map(({ spot }) => [spot.identity, spot.declare])).toEqual([
    [
      `${path}/.env#API_SECRET`,
      { connector: 'dotenv', destination: { file: `${path}/.env`, variable: 'API_SECRET' } },
    ],
    [
      `${path}/app/config.json#/api/a~1b/1`,
      {
        connector: 'json-file',
        destination: { file: `${path}/app/config.json`, pointer: '/api/a~1b/1' },
      },
    ],
    [
      `${path}/app/values.yaml#1/api/secret`,
      {
        connector: 'yaml-file',
        destination: { file: `${path}/app/values.yaml`, pointer: '/api/secret', document: 1 },
      },
    ],
  ]);
});

test('any other text is looked at line by line, and so is what cannot be parsed', async () => {
  write('deploy.sh', '#!/bin/sh\ncurl -H "x: needle-1"\n');
  write('broken.json', '{\n"a": needle-1');
  write('mounted', 'needle-1\n');
  const { met } = await look(open(), 'needle-1');
  expect(met.map(({ spot: { identity, detail } }) => [identity, detail])).toEqual([
    [`${path}/broken.json`, undefined],
    [`${path}/broken.json`, 'line 2'],
    [`${path}/deploy.sh`, undefined],
    [`${path}/deploy.sh`, 'line 2'],
    [`${path}/mounted`, undefined],
    [`${path}/mounted`, 'line 1'],
  ]);
});

test('what was not looked at is said: too deep, too large, no text, a link', async () => {
  write('a/b/deep', 'needle-1');
  write('large', 'needle-1'.repeat(100));
  write('binary', Buffer.from([0, 1, 2]));
  symlinkSync('/etc/hostname', join(path, 'link'));
  const { met, passedOver } = await look(open({ depth: 1, largestFile: 100 }), 'needle-1');
  expect(met).toEqual([]);
  expect(passedOver.sort()).toEqual([
    `${path}/a/b: is deeper than 1`,
    `${path}/binary: is not text`,
    `${path}/large: is larger than 100 bytes`,
    `${path}/link: is a link, and is not followed`,
  ]);
});

test('what a parser would take too long for is looked at line by line', async () => {
  const blank = ' '.repeat(400_000);
  write('a.env', `A=needle-1\n${blank}\nB=${blank}x`);
  write('b.yaml', `${'- x\n'.repeat(40_000)}- needle-1\n`);
  write('c.yaml', `${'['.repeat(100_000)}needle-1`);
  write('d.json', `${'['.repeat(100_000)}"needle-1"`);
  const { met } = await look(open(), 'needle-1');
  const lines = met.filter(({ spot }) => spot.detail !== undefined);
  expect(lines.map(({ spot: { identity, detail } }) => [identity, detail])).toEqual([
    [`${path}/a.env`, 'line 1'],
    [`${path}/b.yaml`, 'line 40001'],
    [`${path}/c.yaml`, 'line 1'],
    [`${path}/d.json`, 'line 1'],
  ]);
});

test('so many files are looked at, and no more', async () => {
  for (const name of ['1', '2', '3']) write(name, 'needle-1');
  const { told, passedOver } = await look(open({ mostFiles: 2 }), 'needle-1');
  expect(told).toBe('2 files, 16 bytes');
  expect(passedOver).toEqual([`${path}: more than 2 files: what follows here was not looked at`]);
  const bytes = await look(open({ mostBytes: 10 }), 'needle-1');
  expect(bytes.passedOver).toEqual([
    `${path}: more than 10 bytes: what follows here was not looked at`,
  ]);
});

test('a folder that is not there cannot be looked at', async () => {
  await expect(look(open({ path: join(path, 'missing') }), 'x')).rejects.toMatchObject({
    code: 'unreadable',
  });
});

test('a doctor is told whether a folder can be read, and of an empty one', async () => {
  const check = (options?: object) => open(options).check(AbortSignal.timeout(5_000));
  expect(await check()).toBe('is empty');
  write('.env', 'A=needle');
  expect(await check()).toBe('can be read');
  for (const [gone, code] of [
    [join(path, 'gone'), 'ENOENT'],
    [join(path, '.env'), 'ENOTDIR'],
  ])
    await expect(check({ path: gone })).rejects.toMatchObject({
      code: 'unreadable',
      message: `${gone} cannot be read (${code})`,
    });
});

test('what rotor writes just now is no copy; what a killed write has left there is one', async () => {
  const [written, left] = ['.a.env.rotor-5bce98f7-1-1814cdbbfa11', '.b.env.rotor-1814cdbbfa11'];
  for (const name of [written, left]) write(name, 'TOKEN=needle-1\n');
  const longAgo = Date.now() / 1_000 - 120;
  utimesSync(join(path, left), longAgo, longAgo);
  const { met, passedOver } = await look(open(), 'needle-1');
  expect(new Set(met.map(({ spot }) => spot.identity.split('#')[0]))).toEqual(
    new Set([join(path, left)]),
  );
  expect(passedOver).toEqual([`${join(path, written)}: rotor is writing it`]);
});
