import { expect, test } from '@jest/globals';
import { AdapterError } from '../../domain/errors.js';
import { rememberTokens } from '../../issuers/openbao-approle/tokens.js';
import type { Bao } from '../../reach/openbao.js';

/** As OpenBao 2.7 answers: a token that is just ending is refused at first, and then there is none. */
function endingToken(refusals: number): Bao {
  let left = refusals;
  return {
    ask: ({ path }) => {
      const isList = path === 'auth/token/accessors';
      if (isList) return Promise.resolve({ status: 200, body: { data: { keys: ['ending'] } } });
      left -= 1;
      if (left >= 0) return Promise.reject(new AdapterError('not-permitted', 'may not write'));
      return Promise.resolve({ status: 400, body: { errors: ['invalid accessor'] } });
    },
  };
}

const role = { mount: 'approle', role: 'app' };

test('a token that is just ending is no missing right', async () => {
  expect(await rememberTokens(endingToken(2)).of(role)).toEqual([]);
});

test('a right that is missing stays missing', async () => {
  await expect(rememberTokens(endingToken(99)).of(role)).rejects.toMatchObject({
    code: 'not-permitted',
  });
});
