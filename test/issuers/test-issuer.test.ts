import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { IssuerTraits } from '../../domain/issuer.js';
import {
  describeBrokenIssuers,
  describeIssuer,
  type PreparedIssuer,
} from '../contracts/hold-to-issuer.js';
import { issuerChecks } from '../../conformance/checks.js';
import { testIssuer, type TestIssuerOptions } from './test-issuer.js';

function prepare(options: TestIssuerOptions): () => Promise<PreparedIssuer> {
  return () => {
    const installation = randomUUID();
    const issuer = testIssuer(() => installation, options);
    return Promise.resolve({
      issuer,
      installation,
      secret: { secretId: randomUUID(), name: 'acme/api', specification: {} },
      use: (value, userAgent) => Promise.resolve(issuer.use(value, { userAgent })),
      plant: () => Promise.resolve(issuer.plant(`${randomUUID()}/${randomUUID()}`)),
      close: () => Promise.resolve(),
    });
  };
}

const kinds: Readonly<Record<string, TestIssuerOptions>> = {
  ordinary: {},
  slots: { traits: { overlap: { kind: 'slots', slots: 2 } } },
  'displaces the oldest': { traits: { overlap: { kind: 'displaces-oldest', slots: 2 } } },
  'one value, ours': { traits: { overlap: { kind: 'none' }, valueChosenBy: 'ours' } },
  'value is ours': { traits: { valueChosenBy: 'ours', disable: 'manual' } },
  'no tag': { traits: { tag: 'none' } },
  'no tag, value is ours, one at a time': {
    traits: { tag: 'none', valueChosenBy: 'ours', overlap: { kind: 'none' } },
  },
  'disabled by hand': { traits: { disable: 'manual' } },
  'cannot disable': { traits: { disable: 'none', seesRefusals: false } },
  'slow to tell': { traits: { propagationMs: 150 } },
  'no list': { traits: { lists: false } },
  'last use, by the hour': { traits: { useRecord: 'last-used' }, resolutionMs: 3_600_000 },
  'sampled use': { traits: { useRecord: 'sampled' } },
  'absent use': { traits: { useRecord: 'absent' } },
  'cannot tell probes apart': { traits: { tellsProbesApart: false } },
  'a clock that is ahead': { skewMs: 5_000 },
  'a clock that is behind': { skewMs: -5_000 },
};

for (const [name, options] of Object.entries(kinds)) {
  const { traits } = testIssuer(() => '', options);
  describeIssuer({ name: `the test issuer: ${name}`, traits }, prepare(options));
}

describeBrokenIssuers(prepare({}));

describe('the checks', () => {
  test('apply to some issuer each', () => {
    const claims: Partial<IssuerTraits>[] = Object.values(kinds).map(({ traits }) => traits ?? {});
    for (const { applies } of issuerChecks) {
      const applying = claims.filter((traits) => applies(testIssuer(() => '', { traits }).traits));
      expect(applying.length).toBeGreaterThan(0);
    }
  });
});
