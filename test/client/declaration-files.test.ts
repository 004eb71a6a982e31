import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RotorError } from '../../domain/errors.js';
import { readDeclarations } from '../../client/declaration-files.js';
import { readDocuments } from '../../schemas/declarations.js';
import { newFolder, type Folder } from '../connectors/places.js';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('files of declarations', () => {
  let folder: Folder;
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => {
    folder.remove();
  });
  function write(name: string, text: string): string {
    writeFileSync(folder.file(name), text);
    return folder.file(name);
  }

  test('a folder: the YAML files in order, several documents in each, nothing else', () => {
    write('b.yml', 'organization: third\n');
    write('a.yaml', '# nothing yet\n---\norganization: first\n---\norganization: second\n...\n');
    write('notes.txt', 'organization: [');
    expect(readDeclarations(folder.path).documents).toEqual([
      { organization: 'first' },
      { organization: 'second' },
      { organization: 'third' },
    ]);
  });

  test('problems are located in their file, at their line and column, in the order of the text', () => {
    const file = write(
      'a.yaml',
      'organization: acme\n---\norganization: acme\nsecrets:\n  - name: s\n    issuer: i\n    ownr: o\n',
    );
    const read = readDeclarations(file);
    const { problems } = readDocuments(read.documents);
    const turned = [{ path: 'documents.9.x', message: '' }, ...[...problems].reverse()];
    expect(read.locate(turned).map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'documents.9.x: ',
      `${file}:5:5 secrets.0.owner: is missing`,
      `${file}:7:11 secrets.0.ownr: unknown field ownr`,
    ]);
  });

  test.each([
    ['not closed', 'a: [1\nb: 2\n', /:\d+:\d+$/],
    ['the same key twice', 'a: 1\na: 2\n', /:2:1$/],
    ['a tab', 'a:\n\t- b\n', /:2:\d+$/],
    ['an alias of nothing', 'a: *nothing\n', /:1:\d+$/],
  ])('YAML that is not valid: %s', (_, text, place) => {
    const file = write('bad.yaml', text);
    expect(() => readDeclarations(file)).toThrow(
      expect.objectContaining({
        code: 'declarations-unreadable',
        problems: expect.arrayContaining([
          expect.objectContaining({ path: expect.stringMatching(place) as unknown }),
        ]) as unknown,
      }),
    );
  });

  test('a document that grows without end when its aliases are followed', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [name, before] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf'] as unknown as string[][]) {
      lines.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
    }
    const file = write('bomb.yaml', `${lines.join('\n')}\n`);
    expect(() => readDeclarations(file)).toThrow(
      expect.objectContaining({ code: 'declarations-unreadable' }),
    );
  });

  test('a tag that nobody knows is told with its line', () => {
    const file = write('tag.yaml', 'organization: acme\nowner: !sceret x\n');
    expect(() => readDeclarations(file)).toThrow(
      expect.objectContaining({
        code: 'declarations-unreadable',
        problems: [expect.objectContaining({ path: `${file}:2:8` })] as unknown,
      }),
    );
  });

  test('what is wrong in one place is told once', () => {
    const file = write('deep.yaml', '['.repeat(200));
    const error = thrownBy(() => readDeclarations(file));
    expect(error).toMatchObject({ code: 'declarations-unreadable' });
    expect((error as RotorError).problems.length).toBeLessThan(5);
  });

  test.each<[string, string, (path: string) => void]>([
    ['a folder named like a file', 'cannot be read', (path) => mkdirSync(path)],
    ['a link that leads nowhere', 'cannot be read', (path) => symlinkSync('/nowhere', path)],
    [
      'bytes that are no text',
      'is not UTF-8 text',
      (path) => writeFileSync(path, Buffer.from([0x61, 0xff])),
    ],
  ])('%s among them: %s', (_, message, make) => {
    write('a.yaml', 'organization: acme\n');
    const path = folder.file('b.yaml');
    make(path);
    expect(thrownBy(() => readDeclarations(folder.path))).toMatchObject({
      code: 'declarations-unreadable',
      message: `${path} ${message}`,
    });
  });

  test('nothing there', () => {
    expect(() => readDeclarations(folder.file('missing'))).toThrow(
      expect.objectContaining({ code: 'declarations-unreadable' }),
    );
    expect(() => readDeclarations(folder.path)).toThrow(
      expect.objectContaining({ code: 'declarations-unreadable' }),
    );
  });
});
