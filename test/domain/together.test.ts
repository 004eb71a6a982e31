import { expect, test } from '@jest/globals';
import { together } from '../../domain/together.js';

test('who asks while others are answered shares the next answer, never one that began before', async () => {
  const groups: number[][] = [];
  const ask = together(async (asked: readonly number[]) => {
    groups.push([...asked]);
    await Promise.resolve();
    return asked.map((one) => one * 10);
  }, 3);
  const answers = await Promise.all([1, 2, 3, 4, 5].map((one) => ask('x', one)));
  expect(answers).toEqual([10, 20, 30, 40, 50]);
  expect(groups).toEqual([[1], [2, 3, 4], [5]]);
});

test('lines about different things do not wait for each other', async () => {
  const never = new Promise<readonly string[]>(() => undefined);
  const ask = together(
    (asked: readonly string[]) => (asked.includes('stuck') ? never : Promise.resolve(asked)),
    10,
  );
  void ask('one', 'stuck');
  expect(await ask('other', 'free')).toBe('free');
});

test('a failure is told to those it was about, and the line goes on', async () => {
  const ask = together(
    (asked: readonly string[]) =>
      asked.includes('bad') ? Promise.reject(new Error('bad')) : Promise.resolve(asked),
    10,
  );
  const all = ['fine', 'bad', 'with it'].map((one) => ask('x', one));
  const settled = await Promise.allSettled(all);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(await ask('x', 'later')).toBe('later');
});

test('what was left unanswered is asked again', async () => {
  const ask = together((asked: readonly number[]) => Promise.resolve(asked.slice(0, 1)), 10);
  expect(await Promise.all([1, 2, 3].map((one) => ask('x', one)))).toEqual([1, 2, 3]);
});
