import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readText, replaceText } from '../../connectors/files.js';
import { dotenv } from '../../connectors/dotenv/index.js';
import type { AdapterError } from '../../domain/errors.js';
import { jsonFile } from '../../connectors/json-file/index.js';
import { yamlFile } from '../../connectors/yaml-file/index.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';

const program = join(import.meta.dirname, 'connector-process.js');
const nobody = 65_534;
const kinds = [
  { kind: dotenv, field: { variable: 'X' }, holding: (text: string) => `X=${text}\n` },
  { kind: jsonFile, field: { pointer: '/x' }, holding: (text: string) => `{ "x": "${text}" }\n` },
  { kind: yamlFile, field: { pointer: '/x' }, holding: (text: string) => `x: '${text}'\ny: ''\n` },
] as const;

describe.each(kinds)('$kind.kind', ({ kind, field, holding }) => {
  let folder: Folder;
  let file: string;
  beforeEach(() => {
    folder = newFolder();
    file = folder.file('destination');
    writeFileSync(file, holding('old'));
  });
  afterEach(() => {
    // A test may have taken the right to write: who is not root needs it to remove what is inside.
    chmodSync(folder.path, 0o700);
    folder.remove();
  });

  const open = () => kind.open({ roots: [folder.path] });
  const at = (path: string) => destinationAt({ file: path, ...field });

  function order(more: Record<string, unknown>): string {
    const options = { roots: [folder.path] };
    return JSON.stringify({
      kind: kind.kind,
      options,
      address: { file, ...field },
      size: 10,
      ...more,
    });
  }

  function asNobody(): string {
    const { stdout } = spawnSync(process.execPath, [program, order({ user: nobody })]);
    return String(stdout).split('\n')[1] ?? '';
  }

  test('a file that cannot be read', () => {
    chmodSync(folder.path, 0o777);
    chmodSync(file, 0o200);
    expect(asNobody()).toBe('unreadable');
  });

  test('a file in a folder that cannot be written', () => {
    chmodSync(folder.path, 0o555);
    chmodSync(file, 0o666);
    expect(asNobody()).toBe('read-only');
    expect(readFileSync(file, 'utf8')).toBe(holding('old'));
  });

  test('a file that is marked read-only', async () => {
    chmodSync(file, 0o444);
    await expect(open().deliver(deliveryOf(at(file), 'new'))).rejects.toMatchObject({
      code: 'read-only',
    });
    expect(readdirSync(folder.path)).toEqual(['destination']);
  });

  test('a disk that is full: the old text stays, nothing lies beside', () => {
    const limited = spawnSync('bash', [
      '-c',
      'ulimit -f 1 && exec "$0" "$@"',
      process.execPath,
      program,
      order({ size: 100_000 }),
    ]);
    expect(String(limited.stdout)).toBe('ready\nno-space\n');
    expect(readFileSync(file, 'utf8')).toBe(holding('old'));
    expect(readdirSync(folder.path)).toEqual(['destination']);
  });

  test('a folder, a pipe, bytes that are no text, and far too much', async () => {
    const pipe = folder.file('pipe');
    spawnSync('bash', ['-c', 'mkfifo "$0"', pipe]);
    mkdirSync(folder.file('folder'));
    writeFileSync(folder.file('bytes'), Buffer.from([0x58, 0x3d, 0xff, 0xfe]));
    writeFileSync(folder.file('large'), holding('x'.repeat(5_000_000)));
    for (const name of ['folder', 'pipe', 'bytes', 'large']) {
      const work = open().deliver(deliveryOf(at(folder.file(name)), 'new'));
      await expect(work).rejects.toMatchObject({ code: 'invalid-destination' });
    }
  });

  test('a path that leaves the roots, spelled or by a link', async () => {
    const outside = newFolder();
    const target = outside.file('outside');
    writeFileSync(target, holding('old'));
    symlinkSync(target, folder.file('link'));
    symlinkSync(outside.path, folder.file('links'));
    const sibling = `${folder.path}-sibling`;
    try {
      for (const path of [
        target,
        `${folder.path}/../${outside.path.split('/').at(-1) ?? ''}/outside`,
        folder.file('link'),
        folder.file('links/outside'),
        folder.file('links/missing'),
        sibling,
      ]) {
        const destination = at(path);
        const refusal = { code: 'not-permitted' };
        await expect(open().deliver(deliveryOf(destination, 'new'))).rejects.toMatchObject(refusal);
        await expect(open().held(destination, [])).rejects.toMatchObject(refusal);
        expect(() =>
          kind.identity({ file: path, ...field } as never, { roots: [folder.path] }),
        ).toThrow(expect.objectContaining(refusal));
      }
      expect(readFileSync(target, 'utf8')).toBe(holding('old'));
    } finally {
      outside.remove();
    }
  });

  test('killed in the middle of writing: old or new, and the next delivery cleans up', async () => {
    for (let round = 0; round < 4; round += 1) {
      const child = spawn(process.execPath, [program, order({ size: 1_000_000, forever: true })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await wait(15 + round * 11);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const text = readFileSync(file, 'utf8');
      const possible = ['old', 'a'.repeat(1_000_000), 'b'.repeat(1_000_000), `round ${round - 1}`];
      expect(possible.some((value) => holding(value) === text)).toBe(true);
      await open().deliver(deliveryOf(at(file), `round ${round}`));
      expect(readFileSync(file, 'utf8')).toBe(holding(`round ${round}`));
      expect(readdirSync(folder.path)).toEqual(['destination']);
    }
  });

  test("what another machine's dead process left goes after a minute, and files of others stay", async () => {
    const [young, old] = ['a', 'b'].map((digit) =>
      folder.file(`.destination.rotor-00000000-1-${digit.repeat(12)}`),
    );
    const others = ['.destination.rotor', '.destination.rotor-x', '.destination.swp'];
    for (const path of [young, old, ...others.map((name) => folder.file(name))]) {
      writeFileSync(path ?? '', 'left');
    }
    const before = Date.now() / 1_000 - 120;
    for (const path of [old, ...others.map((name) => folder.file(name))]) {
      utimesSync(path ?? '', before, before);
    }
    await expect(open().deliver(deliveryOf(at(file), 'new'))).rejects.toMatchObject({
      code: 'busy',
    });
    expect(readFileSync(file, 'utf8')).toBe(holding('old'));
    const kept = [file, ...others.map((name) => folder.file(name))];
    expect(readdirSync(folder.path).map((name) => folder.file(name))).toEqual(
      [young, ...kept].sort(),
    );
    utimesSync(young ?? '', before, before);
    await open().deliver(deliveryOf(at(file), 'new'));
    expect(readFileSync(file, 'utf8')).toBe(holding('new'));
    expect(readdirSync(folder.path).map((name) => folder.file(name))).toEqual(kept.sort());
  });

  test('two processes that write one file at once: what was delivered is there', async () => {
    const other = kind === dotenv ? { variable: 'Y' } : { pointer: '/y' };
    const child = spawn(
      process.execPath,
      [program, order({ address: { file, ...other }, forever: true, again: true })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    const ends: string[] = [];
    const stop = Date.now() + 2_000;
    while (Date.now() < stop) {
      const delivery = deliveryOf(at(file), `value ${ends.length}`);
      const end = await open()
        .deliver(delivery)
        .then(
          () => 'delivered',
          ({ code }: AdapterError) => code,
        );
      // Long enough for the other to finish what it had begun before.
      await wait(end === 'delivered' ? 10 : 1);
      const held = await open().held(delivery.destination, [delivery.version]);
      ends.push(end === 'delivered' && held.versionIds.length === 0 ? 'lost' : end);
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(new Set(ends)).toContain('delivered');
    expect(ends.filter((end) => end === 'busy' || end === 'changed-meanwhile')).not.toEqual([]);
    expect(ends).not.toContain('lost');
  });

  test('changed between reading and writing: the other change stays', async () => {
    const options = { roots: [folder.path] };
    const content = await readText(file, options);
    writeFileSync(file, holding('of somebody else'));
    await expect(replaceText(content, holding('new'))).rejects.toMatchObject({
      code: 'changed-meanwhile',
    });
    expect(readFileSync(file, 'utf8')).toBe(holding('of somebody else'));
    expect(readdirSync(folder.path)).toEqual(['destination']);
  });
});
