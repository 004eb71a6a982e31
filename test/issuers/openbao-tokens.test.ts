import { expect, test } from '@jest/globals';
import { AdapterError } from '../../domain/errors.js';
import { rememberTokens } from '../../issuers/openbao-approle/tokens.js';
import type { Bao } from '../../reach/openbao.js';

const noRight = () => Promise.reject(new AdapterError('not-permitted', 'may not write'));
const none = { status: 400, body: { errors: ['invalid accessor'] } };

/** As OpenBao 2.7 answers: an accessor without a token is refused so many times, and then there is none. */
function withoutToken(refusals: number) {
  const asked: unknown[] = [];
  const bao: Bao = {
    ask: ({ path, body }) => {
      const isList = path === 'auth/token/accessors';
      if (isList) return Promise.resolve({ status: 200, body: { data: { keys: ['alone'] } } });
      const { accessor } = body as { accessor: string };
      if (accessor !== 'alone') return Promise.resolve(none);
      asked.push(accessor);
      return asked.length <= refusals ? noRight() : Promise.resolve(none);
    },
  };
  return { bao, asked };
}

const role = { mount: 'approle', role: 'app' };

test('a token that is just ending is no missing right', async () => {
  const { bao, asked } = withoutToken(2);
  expect(await rememberTokens(bao).of(role)).toEqual([]);
  expect(asked).toHaveLength(3);
});

test('what a killed OpenBao left of a token is no missing right, and is looked at for as long as it may be one of a login', async () => {
  const { bao, asked } = withoutToken(99);
  let now = 0;
  const tokens = rememberTokens(bao, () => now);
  const looksAt = async (moment: number): Promise<number> => {
    now = moment;
    const before = asked.length;
    expect(await tokens.of(role)).toEqual([]);
    return asked.length - before;
  };
  expect(await looksAt(0)).toBe(5);
  expect(await looksAt(59_000)).toBe(5);
  expect(await looksAt(60_000)).toBe(5);
  expect(await looksAt(61_000)).toBe(0);
});

test('a right that is missing stays missing', async () => {
  const list = { status: 200, body: { data: { keys: ['one'] } } };
  const bao: Bao = {
    ask: ({ path }) => (path === 'auth/token/accessors' ? Promise.resolve(list) : noRight()),
  };
  await expect(rememberTokens(bao).of(role)).rejects.toMatchObject({ code: 'not-permitted' });
});
