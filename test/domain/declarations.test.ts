import { expect, test } from '@jest/globals';
import { losesItsValue } from '../../domain/declarations.js';
import type { Overlap } from '../../domain/issuer.js';

test.each<[Overlap, 'ours' | 'theirs', boolean]>([
  [{ kind: 'none' }, 'theirs', true],
  [{ kind: 'none' }, 'ours', false],
  [{ kind: 'many' }, 'theirs', false],
  [{ kind: 'many' }, 'ours', false],
  [{ kind: 'slots', slots: 2 }, 'theirs', false],
  [{ kind: 'displaces-oldest', slots: 2 }, 'theirs', false],
])('an issuer with overlap %j whose value is %s is refused: %s', (overlap, valueChosenBy, is) => {
  const problem = losesItsValue({ overlap, valueChosenBy });
  if (is) {
    expect(problem?.path).toBe('issuer');
    expect(problem?.message).toMatch(/^expected an issuer that/);
    expect(problem?.hint).toBeDefined();
  } else {
    expect(problem).toBeUndefined();
  }
});
