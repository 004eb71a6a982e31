import { expect, test } from '@jest/globals';
import { openPatience } from '../../client/cli/patience.js';
import type { Output } from '../../client/cli/output.js';
import { RotorError } from '../../domain/errors.js';

const away = new RotorError('unreachable', 'it does not answer', { kind: 'unavailable' });
const noted: string[] = [];
const output: Output = {
  json: false,
  print: () => undefined,
  show: () => undefined,
  note: (text) => void noted.push(text),
};

/** Answers once, is away so many times, and answers again. */
async function after(failures: number, forMs: number): Promise<unknown> {
  const ask = openPatience(output, { forMs, everyMs: 1 });
  await ask(() => Promise.resolve('before'));
  let left = failures;
  return ask(() => (left-- > 0 ? Promise.reject(away) : Promise.resolve('again')));
}

test('an API that starts again is asked again, which is said once', async () => {
  expect(await after(3, 60_000)).toBe('again');
  expect(noted).toEqual(['it does not answer: asked again for 60 s', 'it answers again']);
});

test('one that stays away is given up, as unavailable', async () => {
  await expect(after(Number.POSITIVE_INFINITY, 20)).rejects.toBe(away);
});

test('one that has never answered is given up at once, and so is what it refuses', async () => {
  const ask = openPatience(output, { forMs: 60_000, everyMs: 1 });
  await expect(ask(() => Promise.reject(away))).rejects.toBe(away);
  await ask(() => Promise.resolve('once'));
  const missing = new RotorError('no-such-run', 'there is none', { kind: 'missing' });
  await expect(ask(() => Promise.reject(missing))).rejects.toBe(missing);
});
