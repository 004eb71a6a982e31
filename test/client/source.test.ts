import { expect, test } from '@jest/globals';
import { parseSource } from '../../client/cli/source.js';
import { isNamedSource } from '../../domain/attribution.js';
import { describeSource } from '../../domain/attribution.js';

const source = { address: '10.0.0.7', userAgent: 'curl/8 (x)', name: 'nightly' };

test.each([
  ['as it is printed', describeSource(source), true],
  ['its address', '10.0.0.7', true],
  ['its user agent', 'curl/8 (x)', true],
  ['its name', 'as nightly', true],
  ['another address', '10.0.0.8 · curl/8 (x)', false],
  ['a part of its user agent', 'curl', false],
  ['an unknown address says nothing', 'unknown address', false],
])('a source is named by %s', (_what, text, named) => {
  expect(isNamedSource(parseSource(text), source)).toBe(named);
});
