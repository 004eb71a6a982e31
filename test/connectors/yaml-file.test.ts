import { randomUUID } from 'node:crypto';
import { chmodSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { yamlFile } from '../../connectors/yaml-file/index.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';

const pointer = '/api/secret';

/** A place that holds nothing can look like this. */
const styles = {
  'nothing behind the name': 'api:\n  secret: # why\n  user: u\n',
  'single quotes': "api:\n  secret: ''\n  user: u\n",
};

describe.each(Object.entries(styles))('%s', (name, text) => {
  holdToConnectorContract(`yaml-file, ${name}`, () => {
    const folder = newFolder();
    return Promise.resolve({
      connector: yamlFile.open({ roots: [folder.path] }),
      place: () => {
        const file = folder.file(randomUUID());
        writeFileSync(file, text);
        return Promise.resolve(destinationAt({ file, pointer }));
      },
      absent: () => Promise.resolve(destinationAt({ file: folder.file('missing'), pointer })),
      plant: (destination, planted) => {
        writeFileSync(String(destination.address['file']), stringify({ api: { secret: planted } }));
        return Promise.resolve();
      },
      close: () => {
        folder.remove();
        return Promise.resolve();
      },
    });
  });
});

describe('yaml-file', () => {
  let folder: Folder;
  let file: string;
  beforeEach(() => {
    folder = newFolder();
    file = folder.file('values.yaml');
  });
  afterEach(() => {
    folder.remove();
  });

  function deliver(text: string, more: Record<string, unknown>): Promise<void> {
    const connector = yamlFile.open({ roots: [folder.path] });
    return connector.deliver(deliveryOf(destinationAt({ file, ...more }), text));
  }

  const crowded = [
    '%YAML 1.2',
    '# before',
    '---',
    'base: &base   { a:   1,b: 2 }  # odd  spaces',
    'uses: [*base, <<, "<<"]',
    'merged:',
    '    <<: *base',
    '    ? complex',
    '    : - x',
    '',
    '# about it',
    'api:   # here',
    '      - name : "first"',
    '      - secret  : &own OLD   # the old one',
    '        other: "OLD"',
    'folded: >2-',
    '    keeps',
    '   its breaks',
    '',
    "'quoted key': !tag value",
    '...',
    '# between',
    '---',
    'api: [ {}, { secret: "not this one" } ]',
    '',
  ];

  test.each(['\n', '\r\n'])(
    'changes nothing around it, with %j at the end of lines',
    async (eol) => {
      const around = (value: string) => `\uFEFF${crowded.join(eol).replace('OLD', value)}`;
      writeFileSync(file, around('old'));
      await deliver('new', { pointer: '/api/1/secret', document: 0 });
      expect(readFileSync(file, 'utf8')).toBe(around('new'));
      await deliver('needs: quotes', { pointer: '/api/1/secret', document: 0 });
      expect(readFileSync(file, 'utf8')).toBe(around('"needs: quotes"'));
      await deliver('a new\nvalue', { pointer: '/api/1/secret', document: 1 });
      const written = readFileSync(file, 'utf8');
      expect(written).toBe(
        around('"needs: quotes"').replace('"not this one"', String.raw`"a new\nvalue"`),
      );
    },
  );

  test.each([
    ['plain', 'a: old # c\n', '/a', 'new', 'a: new # c\n'],
    ['plain, over two lines', 'a: old\n  text\nb: 1\n', '/a', 'new', 'a: new\nb: 1\n'],
    ['plain, without an end of line', 'a: old', '/a', 'new', 'a: new'],
    ['single quotes', "a: 'old'\n", '/a', "it's", "a: 'it''s'\n"],
    ['double quotes', 'a: "old"\n', '/a', 'say "x"', 'a: "say \\"x\\""\n'],
    ['a truth for YAML 1.1', 'a: old\n', '/a', 'yes', 'a: "yes"\n'],
    ['a number for YAML 1.1', 'a: old\n', '/a', '190:20:30', 'a: "190:20:30"\n'],
    ['a number', 'a: old\n', '/a', '1e3', 'a: "1e3"\n'],
    ['a number that is a string by its tag', 'a: !!str 12\n', '/a', 'new', 'a: !!str new\n'],
    ['in a flow sequence', 'a: [x,old ,y]\n', '/a/1', 'n,w', 'a: [x,"n,w" ,y]\n'],
    ['nothing in a flow mapping', 'a: {b: , c: 1}\n', '/a/b', 'new', 'a: {b: "new" , c: 1}\n'],
    ['nothing at the end', 'a:', '/a', 'new', 'a: "new"'],
    ['under a name that counts', '8080: { a: old }\n', '/8080/a', 'new', '8080: { a: new }\n'],
    ['under a name with a slash', 'a/b: {c~d: old}\n', '/a~1b/c~0d', 'new', 'a/b: {c~d: new}\n'],
    ['an anchor that nothing refers to', 'a: &x old\nb: 1\n', '/a', 'new', 'a: &x new\nb: 1\n'],
    ['beside an alias', 'b: &x 1\nc: *x\na: old\n', '/a', 'new', 'b: &x 1\nc: *x\na: new\n'],
    ['JSON', '{"a": {"b": "old"}}', '/a/b', 'new', '{"a": {"b": "new"}}'],
    ['control characters', 'a: old\n', '/a', '\u0085\u007f\u2028', 'a: "\\u0085\\u007f\\u2028"\n'],
    [
      'a block',
      'a: |  # k\n   old\n   er\nb: 1\n',
      '/a',
      'x\n\n y\n',
      'a: |  # k\n   x\n\n    y\nb: 1\n',
    ],
    [
      'a block without its last end',
      'a: |\n old\n\nb: 1\n',
      '/a',
      'x\ny',
      'a: |-\n x\n y\n\nb: 1\n',
    ],
    ['a block with more ends', 'a: |-\n old\nb: 1\n', '/a', 'x\n\n', 'a: |+\n x\n\nb: 1\n'],
    ['a folded block', 'a: >-\n old\n er\nb: 1\n', '/a', 'new', 'a: >-\n new\nb: 1\n'],
    ['a folded block for lines', 'a: >\n old\nb: 1\n', '/a', 'x\ny\n', 'a: |\n x\n y\nb: 1\n'],
    ['a block that cannot hold it', 'a: |\n old\nb: 1\n', '/a', ' x', 'a: " x"\nb: 1\n'],
    [
      'a block of Windows',
      'a: |\r\n old\r\nb: 1\r\n',
      '/a',
      'x\ny\n',
      'a: |\r\n x\r\n y\r\nb: 1\r\n',
    ],
  ])('keeps the style: %s', async (...row) => {
    const [, before, at, value, after] = row;
    writeFileSync(file, before);
    await deliver(value, { pointer: at });
    expect(readFileSync(file, 'utf8')).toBe(after);
  });

  test.each([
    ['is no YAML', 'a: [', '/a', 'is not YAML'],
    ['is empty', '', '/a', 'holds no document 0'],
    ['holds a comment only', '# nothing\n', '/a', 'holds no document 0'],
    ['has no such name', 'a: {}\n', '/a/b', 'there is no'],
    ['has no such item', 'a: [x]\n', '/a/1', 'there is no'],
    ['has a list where a name is asked for', 'a: [x]\n', '/a/b', 'there is no'],
    ['has a string on the way', 'a: text\n', '/a/b', 'there is no'],
    ['has a number there', 'a: 1\n', '/a', 'put quotes around it'],
    ['has a truth there', 'a: true\n', '/a', 'put quotes around it'],
    ['has null there', 'a: ~\n', '/a', 'put quotes around it'],
    ['has an empty item there', 'a:\n-\n', '/a/0', 'put quotes around it'],
    ['has a name without a colon there', 'a: {b}\n', '/a/b', 'is not a string'],
    ['has a mapping there', 'a: {}\n', '/a', 'is not a string'],
    ['has a tag of somebody else there', 'a: !vault |\n  0\n', '/a', 'is not a string'],
    ['has only a tag there', 'a: !!null\n', '/a', 'is not a string'],
    ['has only an anchor there', 'a: &x\nb: 1\n', '/a', 'is not a string'],
    ['has it twice', 'a: x\na: y\n', '/a', 'is there twice'],
    ['has its parent twice', 'a: {b: x}\n"a": {b: y}\n', '/a/b', 'is there twice'],
    ['has a number and a string of one name', '1: x\n"1": y\n', '/1', 'is there twice'],
    ['has an alias there', 'b: &x old\na: *x\n', '/a', 'the alias *x'],
    ['has an alias on the way', 'b: &x {c: old}\na: *x\n', '/a/c', 'the alias *x'],
    ['shares it', 'a: &x old\nb: *x\n', '/a', 'is shared by an alias'],
    ['shares its parent', 'a: &x {c: old}\nb: [*x]\n', '/a/c', 'is shared by an alias'],
    ['merges its parent', 'a: &x {c: old}\nb: {<<: *x}\n', '/a/c', 'is shared by an alias'],
    ['has it by a merge', 'a: &x {c: old}\nb: {<<: *x}\n', '/b/c', 'unless by a merge'],
    ['holds several documents', 'a: old\n---\na: old\n', '/a', 'holds 2 documents'],
    ['is nested too deeply', `a: old\nb: ${'['.repeat(50_000)}`, '/a', 'is nested too deeply'],
    ['has too many dashes', `- `.repeat(50_000), '/0', 'is nested too deeply'],
    ['is too large', `a: old\nb: ${'x'.repeat(1_100_000)}\n`, '/a', 'is larger than 1 MiB'],
  ])('does not touch a file that %s', async (...row) => {
    const [, text, at, message] = row;
    writeFileSync(file, text);
    const reason = {
      code: 'invalid-destination',
      message: expect.stringContaining(message) as unknown,
    };
    await expect(deliver('new', { pointer: at })).rejects.toMatchObject(reason);
    const connector = yamlFile.open({ roots: [folder.path] });
    const asked = connector.held(destinationAt({ file, pointer: at }), []);
    await expect(asked).rejects.toMatchObject(reason);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('a document that is not there, and one of several', async () => {
    writeFileSync(file, 'a: one\n---\na: two\n');
    await expect(deliver('new', { pointer: '/a', document: 2 })).rejects.toMatchObject({
      code: 'invalid-destination',
      message: expect.stringContaining('holds no document 2') as unknown,
    });
    await deliver('new', { pointer: '/a', document: 1 });
    expect(readFileSync(file, 'utf8')).toBe('a: one\n---\na: new\n');
  });

  test('aliases without end cost nothing', async () => {
    const levels = Array.from({ length: 40 }, (_, n) => `l${n + 1}: &l${n + 1} [*l${n}, *l${n}]\n`);
    const text = `l0: &l0 x\n${levels.join('')}`;
    writeFileSync(file, `${text}a: old\n`);
    await deliver('new', { pointer: '/a' });
    expect(readFileSync(file, 'utf8')).toBe(`${text}a: new\n`);
  });

  test('half a character, and a value that makes the file too large, are refused', async () => {
    writeFileSync(file, 'a: old\n');
    for (const value of ['\ud800', 'x'.repeat(1_100_000)]) {
      await expect(deliver(value, { pointer: '/a' })).rejects.toMatchObject({ code: 'refused' });
    }
    expect(readFileSync(file, 'utf8')).toBe('a: old\n');
  });

  test('whatever the value, another reader of the old style gets it back', async () => {
    const characters = ` \t\n\r'"\\#:,[]{}&*!|>%@\`-?=~0aé€🗝\u0000\u0007\u0085\u2028\uFEFF`;
    const all = [...characters];
    for (let seed = 1; seed < 90; seed += 1) {
      const value = Array.from(
        { length: 6 },
        (_, n) => all[(seed * (n * n + 7)) % all.length],
      ).join('');
      const [before, at] = [
        ['a: old\nb: 1\n', '/a'],
        ["a: [ 'old', x ]\nb: 1\n", '/a/0'],
        ['a: |\n   old\nb: 1\n', '/a'],
      ][seed % 3] as [string, string];
      writeFileSync(file, before);
      await deliver(value, { pointer: at });
      const read = parse(readFileSync(file, 'utf8'), { version: '1.1' }) as {
        a: unknown;
        b: unknown;
      };
      expect([read.a].flat()[0]).toBe(value);
      expect(read.b).toBe(1);
    }
  });

  test('keeps the mode of the file, and a link to it', async () => {
    writeFileSync(file, 'a: old\n');
    chmodSync(file, 0o640);
    symlinkSync(file, folder.file('link'));
    const connector = yamlFile.open({ roots: [folder.path] });
    await connector.deliver(
      deliveryOf(destinationAt({ file: folder.file('link'), pointer: '/a' }), 'new'),
    );
    expect(lstatSync(folder.file('link')).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readFileSync(file, 'utf8')).toBe('a: new\n');
  });

  test('is one place however it is spelled', () => {
    writeFileSync(file, '');
    symlinkSync(file, folder.file('link'));
    const options = { roots: [folder.path] };
    const identity = (more: Record<string, unknown>) =>
      yamlFile.identity(yamlFile.address.parse({ file, pointer: '/a', ...more }), options);
    expect(identity({ document: 0 })).toBe(identity({}));
    expect(identity({ file: folder.file('link') })).toBe(identity({}));
    expect(identity({ document: 1 })).not.toBe(identity({}));
  });

  test.each([{ pointer: '' }, { pointer: 'a' }, { pointer: '/a~2' }, { document: -1 }])(
    '%j is no address',
    (wrong) => {
      const address = { file: '/x', pointer: '/a', ...wrong };
      expect(yamlFile.address.safeParse(address).success).toBe(false);
    },
  );
});
