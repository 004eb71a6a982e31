import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import type { KnownSecret } from '../../domain/direct.js';
import { AdapterError } from '../../domain/errors.js';
import type { Credential, Issuer } from '../../domain/issuer.js';
import { containAll, type Containing } from '../../workers/direct/contain.js';
import { traits } from '../domain/facts.js';

const folder = mkdtempSync(join(tmpdir(), 'rotor-contain-'));
afterAll(() => rmSync(folder, { recursive: true }));

const installationId = 'here';
const ours = (id: string): Credential => ({
  credentialId: id,
  tag: { kind: 'ours', versionId: `version-of-${id}` },
  createdAt: undefined,
  expiresAt: undefined,
  disabled: false,
  rights: {},
});
const known: KnownSecret = {
  secretId: 's',
  organization: 'acme',
  name: 'api',
  owner: 'team',
  issuer: 'main',
  specification: {},
  versions: [],
  dependents: [],
};

function contain(about: Partial<Issuer>, ids: readonly string[]) {
  const live = new Set(ids);
  const issuer: Issuer = {
    kind: 'test',
    traits,
    mint: () => Promise.reject(new Error('not here')),
    verify: () => Promise.resolve(),
    revoke: ({ credentialId }) => {
      live.delete(credentialId);
      return Promise.resolve();
    },
    list: () => Promise.resolve([...live].map(ours)),
    ...about,
  };
  const containing: Containing = {
    ...{ known, issuer, installationId, scope: 'all' },
    secret: { secretId: 's', name: 'acme/api', specification: {} },
    targets: ids.map((id) => ({
      credentialId: id,
      versionId: `version-of-${id}`,
      ordinal: undefined,
      current: false,
      tag: `${installationId}/version-of-${id}`,
    })),
    listedBefore: ids.map(ours),
    journals: { stateFolder: folder, key: Buffer.alloc(32) },
    reached: () => undefined,
  };
  return containAll(containing, { reason: 'leaked', by: 'jo', told: () => undefined });
}

test('all that lives is ended, and nothing is left to say', async () => {
  const result = await contain({}, ['c1', 'c2']);
  expect(result.outcomes.map(({ outcome }) => outcome)).toEqual(['revoked', 'revoked']);
  expect(result).toMatchObject({ left: [], notListedAgain: undefined });
});

test('somebody who goes on minting is not ended for ever: what is left is named', async () => {
  let made = 0;
  const result = await contain(
    { list: () => Promise.resolve([ours(`new-${String((made += 1))}`)]) },
    ['c1'],
  );
  expect(result.left).toHaveLength(1);
});

test('an issuer that does not list again leaves it open whether more was made', async () => {
  let asked = 0;
  const list = (): Promise<Credential[]> => {
    asked += 1;
    // The first is the proof of the revoke.
    return asked === 1
      ? Promise.resolve([])
      : Promise.reject(new AdapterError('unreachable', 'it does not answer'));
  };
  const result = await contain({ list }, ['c1']);
  expect(result).toMatchObject({ left: [], notListedAgain: 'it does not answer' });
});

test('an issuer that lists nothing proves nothing, and that is said', async () => {
  const result = await contain({ traits: { ...traits, lists: false } }, ['c1']);
  expect(result.outcomes).toMatchObject([{ outcome: 'revoked', unproven: true }]);
});
