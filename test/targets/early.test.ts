import { expect, test } from '@jest/globals';
import { wantedEarly, type Run } from '../harness/early.js';

function run(pattern: RegExp, chosen: Partial<Run> = {}): Run {
  const isMatch = (path: string): boolean => pattern.test(path);
  return {
    rootDir: '/',
    testPathPatterns: { toExecutor: () => ({ isMatch }) },
    ...{ runTestsByPath: false, findRelatedTests: false, onlyChanged: false },
    ...chosen,
  };
}

test.each([
  ['begun where all tests run', run(/./), ['keycloak']],
  ['begun where a test that asks for it runs', run(/targets\/running/), ['keycloak']],
  ['not begun where none of the tests asks for it', run(/domain/), []],
  ['not begun where the files are chosen in another way', run(/./, { onlyChanged: true }), []],
])('the slow target is %s', (_, chosen, names) => {
  expect(wantedEarly(chosen)).toEqual(names);
});
