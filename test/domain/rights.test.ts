import { describe, expect, test } from '@jest/globals';
import type { Credential } from '../../domain/issuer.js';
import { wrongRights, type MintOrder } from '../../domain/steps/create.js';
import { ago, day, now } from './facts.js';

const order: MintOrder = {
  kind: 'mint',
  secret: { secretId: 's', name: 'acme/api', specification: { role: 'Viewer' } },
  versionId: 'v2',
  tag: 'installation/v2',
  expiresAt: ago(-90 * day),
  effectId: 'e',
  mark: 'm',
  fresh: true,
  listedBefore: undefined,
  mintedAs: undefined,
};
const made: Credential = {
  credentialId: 'c2',
  tag: { kind: 'ours', versionId: 'v2' },
  createdAt: now,
  expiresAt: order.expiresAt,
  disabled: false,
  rights: { role: 'Viewer' },
};

describe('a new credential is compared with its order', () => {
  const rows: [string, Partial<Credential>, string[]][] = [
    ['as ordered', {}, []],
    ['with another role', { rights: { role: 'Owner' } }, ['role']],
    ['with rights that nobody asked about', { rights: { role: 'Viewer', region: 'eu' } }, []],
    ['that ends sooner', { expiresAt: ago(-30 * day) }, []],
    ['that ends much later', { expiresAt: ago(-400 * day) }, ['expiry']],
    ['that never ends', { expiresAt: undefined }, ['expiry']],
  ];
  for (const [what, more, wrong] of rows)
    test(`${what}: ${wrong.join() || 'nothing is wrong'}`, () => {
      expect(wrongRights(order, { ...made, ...more })).toEqual(wrong);
    });
});
