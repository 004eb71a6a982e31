import {
  appendFileSync,
  chmodSync,
  chownSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'dotenv';
import { dotenv } from '../../connectors/dotenv/index.js';
import { SecretValue } from '../../domain/secret-value.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';

for (const separator of [undefined, ',']) {
  const address = separator === undefined ? {} : { separator };
  holdToConnectorContract(separator === undefined ? 'dotenv, one value' : 'dotenv, a list', () => {
    const folder = newFolder();
    const write = (text: string) => {
      const file = folder.file(randomUUID());
      writeFileSync(file, text);
      return Promise.resolve(destinationAt({ file, variable: 'SECRET', ...address }));
    };
    return Promise.resolve({
      connector: dotenv.open({ roots: [folder.path] }),
      place: () => write('BEFORE=1\nSECRET=\nAFTER=2\n'),
      absent: () =>
        Promise.resolve(
          destinationAt({ file: folder.file('missing'), variable: 'SECRET', ...address }),
        ),
      plant: (destination, text) => {
        writeFileSync(String(destination.address['file']), `SECRET=${text}\n`);
        return Promise.resolve();
      },
      close: () => {
        folder.remove();
        return Promise.resolve();
      },
    });
  });
}

describe('dotenv', () => {
  let folder: Folder;
  let file: string;
  beforeEach(() => {
    folder = newFolder();
    file = folder.file('.env');
  });
  afterEach(() => {
    folder.remove();
  });

  function deliver(text: string, more: Record<string, unknown> = {}): Promise<void> {
    const connector = dotenv.open({ roots: [folder.path] });
    return connector.deliver(deliveryOf(destinationAt({ file, variable: 'X', ...more }), text));
  }

  test.each([
    ['bare', 'A=1\nX=old\nB=2\n', 'A=1\nX=new\nB=2\n'],
    ['quoted, with a comment', `X="old" # why\n`, `X="new" # why\n`],
    ['in single quotes', `X='old'\n`, `X='new'\n`],
    ['exported, indented, spaced', '  export  X = old\nB=2', '  export  X = new\nB=2'],
    ['with CRLF', 'A=1\r\nX=old\r\n# end\r\n', 'A=1\r\nX=new\r\n# end\r\n'],
    ['without a last newline', 'X=old', 'X=new'],
    ['over several lines', 'X="old\nvalue"\nB=2\n', 'X="new"\nB=2\n'],
    ['after a byte order mark', '\uFEFFX=old\n', '\uFEFFX=new\n'],
    ['twice: the last counts', 'X=first\nX=old\n', 'X=first\nX=new\n'],
    ['commented out: appended', '# X=old\n', '# X=old\nX=new\n'],
    ['missing: appended', 'A=1', 'A=1\nX=new\n'],
    ['missing, CRLF', 'A=1\r\n', 'A=1\r\nX=new\r\n'],
    ['empty', 'X=\nB=2\n', 'X=new\nB=2\n'],
    ['bare, before a comment', 'X=old  # why\n', 'X=new  # why\n'],
    ['with space in it and behind', 'X=old and  older \t\n', 'X=new \t\n'],
    ['of which another name is a part', 'XX=1\nAX=2\nX=old\n', 'XX=1\nAX=2\nX=new\n'],
  ])('replaces a variable %s, and nothing else', async (_, before, after) => {
    writeFileSync(file, before);
    await deliver('new');
    expect(readFileSync(file, 'utf8')).toBe(after);
  });

  test('keeps mode and owner, and leaves nothing beside', async () => {
    writeFileSync(file, 'X=old\n');
    chmodSync(file, 0o640);
    if (process.getuid?.() === 0) chownSync(file, 4321, 4322);
    const before = statSync(file);
    await deliver('new');
    const after = statSync(file);
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
    expect(after.ino).not.toBe(before.ino);
    expect(readdirSync(folder.path)).toEqual(['.env']);
  });

  test('replaces what a link leads to, and keeps the link', async () => {
    const link = folder.file('link');
    writeFileSync(file, 'X=old\n');
    symlinkSync(file, link);
    await deliver('new', { file: link });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('X=new\n');
  });

  test('creates a missing file only where it was asked to, for rotor alone', async () => {
    await expect(deliver('new')).rejects.toMatchObject({ code: 'not-found' });
    await deliver('new', { create: true });
    expect(readFileSync(file, 'utf8')).toBe('X=new\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await deliver('newer', { create: true });
    expect(readFileSync(file, 'utf8')).toBe('X=newer\n');
    expect(readdirSync(folder.path)).toEqual(['.env']);
  });

  test('a link that leads nowhere is no place to create a file at', async () => {
    const link = folder.file('link');
    symlinkSync(folder.file('missing'), link);
    await expect(deliver('new', { file: link, create: true })).rejects.toMatchObject({
      code: 'invalid-destination',
    });
    expect(readdirSync(folder.path)).toEqual(['link']);
  });

  test.each([
    ['space within a value', `A=a${' '.repeat(100_000)}b\n`],
    ['space before a comment', `A=a${' '.repeat(100_000)}# why\n`],
    ['a quote that never ends', `A="${'a'.repeat(1_000_000)}\n`],
    ['escapes', `A="${'\\a'.repeat(500_000)}"\n`],
  ])('does not stand still over %s', async (_, text) => {
    writeFileSync(file, `${text}X=old\n`);
    const begin = performance.now();
    await deliver('new');
    expect(performance.now() - begin).toBeLessThan(3_000);
    expect(readFileSync(file, 'utf8')).toBe(`${text}X=new\n`);
  });

  test('does not parse a file of blank lines, and does parse some', async () => {
    writeFileSync(file, `${'\n'.repeat(100_000)}X=old\n`);
    await expect(deliver('new')).rejects.toMatchObject({ code: 'invalid-destination' });
    writeFileSync(file, `${'\n'.repeat(200)}X=old\n`);
    await deliver('new');
    expect(readFileSync(file, 'utf8')).toBe(`${'\n'.repeat(200)}X=new\n`);
  });

  test.each(['no assignment\n', '{"X": "old"}\n', 'X: old\n'])(
    'does not touch what is no dotenv file: %j',
    async (text) => {
      writeFileSync(file, text);
      await expect(deliver('new')).rejects.toMatchObject({ code: 'invalid-destination' });
      expect(readFileSync(file, 'utf8')).toBe(text);
    },
  );

  test.each([
    ['that no quotes can hold', `all " and ' and \` over two\nlines`],
    ['that UTF-8 cannot hold', 'half a pair: \ud800'],
    ['that hardly ends', 'x'.repeat(5_000_000)],
    ['of blank lines', `a${'\n'.repeat(100_000)}b`],
  ])('refuses a value %s, and changes nothing', async (_, value) => {
    writeFileSync(file, 'X=old\n');
    await expect(deliver(value)).rejects.toMatchObject({ code: 'refused' });
    expect(readFileSync(file, 'utf8')).toBe('X=old\n');
    expect(readdirSync(folder.path)).toEqual(['.env']);
  });

  test('keeps both of two secrets that are written to one file at once', async () => {
    writeFileSync(file, 'A=1\n');
    const names = Array.from({ length: 20 }, (_, index) => `X${index}`);
    await Promise.all(names.map((variable) => deliver(`value of ${variable}`, { variable })));
    expect(Object.keys(parse(readFileSync(file)))).toEqual(['A', ...names]);
  });

  test('a list keeps the entries of others in their order', async () => {
    const connector = dotenv.open({ roots: [folder.path] });
    writeFileSync(file, 'X=theirs, old ,other\n');
    const destination = destinationAt({ file, variable: 'X', separator: ',' });
    const old = { versionId: 'old', value: new SecretValue('old') };
    const delivery = deliveryOf(destination, 'new');
    await connector.deliver(delivery);
    expect(readFileSync(file, 'utf8')).toBe('X=new,theirs,old,other\n');
    const held = await connector.held(destination, [old, delivery.version]);
    expect(held.versionIds).toEqual([delivery.version.versionId, 'old']);
    await connector.forget({ ...delivery, version: old });
    expect(readFileSync(file, 'utf8')).toBe('X=new,theirs,other\n');
    await expect(connector.deliver(deliveryOf(destination, 'two,entries'))).rejects.toMatchObject({
      code: 'refused',
    });
  });

  test('forgetting in a list that is not there writes nothing', async () => {
    writeFileSync(file, 'A=1\n');
    const destination = destinationAt({ file, variable: 'X', separator: ',' });
    await dotenv.open({ roots: [folder.path] }).forget(deliveryOf(destination, 'old'));
    expect(readFileSync(file, 'utf8')).toBe('A=1\n');
  });

  test('a variable is not what every object has', async () => {
    writeFileSync(file, 'A=1\n');
    const destination = destinationAt({ file, variable: 'constructor' });
    const held = await dotenv.open({ roots: [folder.path] }).held(destination, []);
    expect(held.unknown).toEqual([]);
    appendFileSync(file, 'B=2\n');
    await deliver('new', { variable: 'constructor' });
    expect(readFileSync(file, 'utf8')).toBe('A=1\nB=2\nconstructor=new\n');
  });

  test('every spelling of a place has the same identity', () => {
    writeFileSync(file, '');
    symlinkSync(file, folder.file('link'));
    const spellings = [
      file,
      `${folder.path}/./.env`,
      `${folder.path}/a/../.env`,
      folder.file('link'),
    ];
    const options = { roots: [folder.path] };
    const identities = spellings.map((spelling) =>
      dotenv.identity({ file: spelling, variable: 'X', create: false }, options),
    );
    expect(new Set(identities).size).toBe(1);
  });
});
