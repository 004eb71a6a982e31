import { describe, expect, test } from '@jest/globals';
import { readLines, signLines } from '../../infra/direct/signed-lines.js';

const key = Buffer.alloc(32, 1);

function written(...entries: object[]): string[] {
  const { next } = signLines(key);
  return entries.map(next);
}

describe('signed lines', () => {
  const lines = written({ n: 1 }, { n: 2 }, { n: 3 });
  const [first = '', second = '', third = ''] = lines;

  test('are read as they were written', () => {
    const entries = [{ n: 1 }, { n: 2 }, { n: 3 }];
    expect(readLines(key, lines.join(''))).toEqual({ entries, rest: 'nothing' });
    expect(readLines(key, '')).toEqual({ entries: [], rest: 'nothing' });
  });

  test('are each a line of JSON', () => {
    expect(JSON.parse(first)).toMatchObject({ entry: { n: 1 } });
  });

  test.each([
    [
      'a last line that was never finished is left out',
      `${first}${second.slice(0, -1)}`,
      1,
      'torn',
    ],
    [
      'nothing counts from a changed line on',
      `${first}${second.replace('2', '4')}${third}`,
      1,
      'changed',
    ],
    ['nothing counts from a missing line on', `${first}${third}`, 1, 'changed'],
    ['lines in another order do not count', `${second}${first}`, 0, 'changed'],
    ['a line that says nothing is none', `${first}\n${second}`, 1, 'changed'],
    ['lines of another key are none', signLines(Buffer.alloc(32, 2)).next({ n: 1 }), 0, 'changed'],
  ])('%s', (_name, text, ...expected) => {
    const { entries, rest } = readLines(key, text);
    expect([entries.length, rest]).toEqual(expected);
  });
});
