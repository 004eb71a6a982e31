import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jsonFile } from '../../connectors/json-file/index.js';
import { holdToConnectorContract } from '../contracts/hold-to-connector.js';
import { deliveryOf, destinationAt, newFolder, type Folder } from './places.js';

holdToConnectorContract('json-file', () => {
  const folder = newFolder();
  const pointer = '/api/secret';
  return Promise.resolve({
    connector: jsonFile.open({ roots: [folder.path] }),
    place: () => {
      const file = folder.file(randomUUID());
      writeFileSync(file, '{ "api": { "user": "u" } }');
      return Promise.resolve(destinationAt({ file, pointer }));
    },
    absent: () => Promise.resolve(destinationAt({ file: folder.file('missing'), pointer })),
    plant: (destination, text) => {
      const content = JSON.stringify({ api: { secret: text } });
      writeFileSync(String(destination.address['file']), content);
      return Promise.resolve();
    },
    close: () => {
      folder.remove();
      return Promise.resolve();
    },
  });
});

describe('json-file', () => {
  let folder: Folder;
  let file: string;
  beforeEach(() => {
    folder = newFolder();
    file = folder.file('settings.json');
  });
  afterEach(() => {
    folder.remove();
  });

  function deliver(text: string, pointer: string): Promise<void> {
    const connector = jsonFile.open({ roots: [folder.path] });
    return connector.deliver(deliveryOf(destinationAt({ file, pointer }), text));
  }

  test.each([
    ['on one line', '{"a":{"b":"old"},"c":[1,2]}', '/a/b', '{"a":{"b":"new"},"c":[1,2]}'],
    [
      'with tabs, CRLF and odd spaces',
      '{\r\n\t"a" : "old" ,\r\n\t"c":[ 1,2 ]\r\n}\r\n',
      '/a',
      '{\r\n\t"a" : "new" ,\r\n\t"c":[ 1,2 ]\r\n}\r\n',
    ],
    ['in an array', '["x", {"a": "old"}]', '/1/a', '["x", {"a": "new"}]'],
    ['an element of an array', '["x", "old"]', '/1', '["x", "new"]'],
    ['under a name that counts', '{"0": "old"}', '/0', '{"0": "new"}'],
    [
      'with escapes in the pointer',
      '{"a/b": {"c~d": "old"}}',
      '/a~1b/c~0d',
      '{"a/b": {"c~d": "new"}}',
    ],
    ['under an empty name', '{"": "old"}', '/', '{"": "new"}'],
    ['after a byte order mark', '\uFEFF{"a": "old"}', '/a', '\uFEFF{"a": "new"}'],
    ['that is missing', '{\n  "a": 1\n}\n', '/b', '{\n  "a": 1,\n  "b": "new"\n}\n'],
  ])('replaces a string %s, and nothing else', async (...row) => {
    const [, before, pointer, after] = row;
    writeFileSync(file, before);
    await deliver('new', pointer);
    expect(readFileSync(file, 'utf8')).toBe(after);
  });

  test.each([
    ['is no JSON', '{"a": ', '/a'],
    ['is empty', '', '/a'],
    ['has comments', '{"a": "old" /* why */}', '/a'],
    ['has a comma too many', '{"a": "old",}', '/a'],
    ['has no parent for it', '{"a": {}}', '/b/c'],
    ['has a string for its parent', '{"b": "text"}', '/b/c'],
    ['has a number there', '{"a": 1}', '/a'],
    ['has an object there', '{"a": {}}', '/a'],
    ['has null there', '{"a": null}', '/a'],
    ['has no such element', '{"a": ["x"]}', '/a/1'],
    ['has it twice', '{"a": "old", "a": "other"}', '/a'],
    ['has its parent twice', '{"a": {"b": "old"}, "a": {"b": "other"}}', '/a/b'],
    ['is nested too deeply', `{"a": "old", "b": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`, '/a'],
  ])('does not touch a file that %s', async (_, text, pointer) => {
    writeFileSync(file, text);
    await expect(deliver('new', pointer)).rejects.toMatchObject({ code: 'invalid-destination' });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('writes what is named like something that every object has', async () => {
    writeFileSync(file, '{"a": {}}');
    await deliver('new', '/a/constructor');
    await deliver('newer', '/a/__proto__');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(
      JSON.parse('{"a": {"constructor": "new", "__proto__": "newer"}}'),
    );
  });

  test.each(['', 'a', '/a~', '/a~2'])('%j is not a pointer to a string in a file', (pointer) => {
    expect(jsonFile.address.safeParse({ file: '/x', pointer }).success).toBe(false);
  });
});
