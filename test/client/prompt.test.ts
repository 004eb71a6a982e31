import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { hiddenAfter, typedAfter } from '../../client/cli/confirm.js';

test('a value that is typed is not shown', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const typed = hiddenAfter('The value: ', { input, output });
  input.write('s3cret \r');
  expect(await typed).toBe('s3cret');
  expect(String(output.read())).toBe('The value: \n');
});

/** What a question gives once these keys were pressed. */
async function after(keys: string, end = false): Promise<string | undefined> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const typed = typedAfter('Type revoke: ', { input, output });
  input.write(keys);
  if (end) input.end();
  return typed;
}

describe('a question on a terminal', () => {
  test('is answered by what was typed', async () => {
    expect(await after(' revoke \r')).toBe('revoke');
  });
  test.each([
    ['Ctrl-C', 'rev\u0003', false],
    ['Ctrl-D', '\u0004', false],
    ['the end of the input', 'rev', true],
  ])('is answered by nothing after %s', async (_what, keys, end) => {
    expect(await after(keys, end)).toBeUndefined();
  });
});
