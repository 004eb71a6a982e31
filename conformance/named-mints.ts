/** What an issuer owes besides whose mints are told apart by their version: a lost answer is asked for again. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { SecretValue } from '../domain/secret-value.js';
import { accepts, always, codeOf, comesTrue, ordered, type IssuerCheck } from './subject.js';

export const namedMintChecks: readonly IssuerCheck[] = [
  {
    name: 'a version is one credential, however often and however fast it is asked for',
    applies: always,
    async run({ issuer, secret, installation }) {
      const { versionId, tag } = ordered({ installation });
      const value = new SecretValue(`ours-${randomUUID()}`);
      const given = issuer.traits.valueChosenBy === 'ours' ? { value } : {};
      const mint = () => issuer.mint({ secret, versionId, tag, expiresAt: undefined, ...given });
      const minted = await Promise.all([mint(), mint(), mint()]);
      minted.push(await mint());
      const ids = new Set(minted.map(({ credentialId }) => credentialId));
      assert.equal(ids.size, 1, 'each answer names the same credential');
      const listed = async (): Promise<boolean> => (await issuer.list(secret)).length === 1;
      await comesTrue({ issuer }, 'one is listed', listed);
    },
  },
  {
    name: 'a version that has a value is given no other one',
    applies: ({ valueChosenBy }) => valueChosenBy === 'ours',
    async run(subject) {
      const { issuer, secret } = subject;
      const request = { secret, ...ordered(subject), expiresAt: undefined };
      const [value, other] = [randomUUID(), randomUUID()].map((text) => new SecretValue(text));
      assert.ok(value !== undefined && other !== undefined);
      const { credentialId } = await issuer.mint({ ...request, value });
      const second = await codeOf(issuer.mint({ ...request, value: other }));
      assert.equal(second, 'refused', 'another value for the same version is refused');
      const made = { ...request, credentialId };
      assert.ok(await accepts(subject, { ...made, value }), 'the first value is accepted still');
      assert.equal(await accepts(subject, { ...made, value: other }), false, 'the other is not');
    },
  },
];
