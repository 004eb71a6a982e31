import { expect, test } from '@jest/globals';
import { wantedEarly, type Run } from '../harness/early.js';

const all = ['keycloak', 'openbao', 'moto', 'redis', 'mariadb', 'rabbitmq', 'sshd'];

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
  ['all of them, the slow one first, where all tests run', run(/./), all],
  ['those that its tests ask for', run(/issuers\/(redis|rights)/), ['openbao', 'redis']],
  ['none where none of its tests asks for one', run(/domain/), []],
  ['none where the files are chosen in another way', run(/./, { onlyChanged: true }), []],
])('a run begins %s', (_, chosen, names) => {
  expect(wantedEarly(chosen)).toEqual(names);
});
