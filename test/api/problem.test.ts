import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { problemOf } from '../../api/problem.js';
import { openDatabase, type TestDatabase } from '../harness/database.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await openDatabase();
});
afterAll(() => database.close());

async function raised(code: string): Promise<unknown> {
  const raise = `do $$ begin raise sqlstate '${code}'; end $$`;
  return database.pool.query(raise).catch((error: unknown) => error);
}

test.each([
  ['a deadlock', '40P01'],
  ['a lock that was waited for too long', '55P03'],
  ['a statement that took too long', '57014'],
])('%s is told as something to try again', async (_, code) => {
  expect(problemOf(await raised(code))).toMatchObject({
    status: 503,
    code: 'busy',
    hint: 'try again',
  });
});

test('what else the database refuses tells nothing but that it happened', async () => {
  expect(problemOf(await raised('23514'))).toMatchObject({ status: 500, code: 'unexpected' });
});

test.each([
  [400, 'the request cannot be read: it is no JSON'],
  [413, 'the request cannot be read: it is too large'],
  [415, 'the request cannot be read: its body is no application/json'],
  [431, 'the request cannot be read'],
])('what the server refuses to read with %i says why', (statusCode, told) => {
  const { status, code, detail } = problemOf(Object.assign(new Error(), { statusCode }));
  expect([status, code, detail]).toEqual([
    statusCode,
    'bad-request',
    expect.stringContaining(told),
  ]);
});
