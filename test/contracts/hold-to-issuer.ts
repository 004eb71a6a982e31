/** Runs the contract of issuers as tests, and checks that it fails issuers that break it. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CredentialRefused } from '../../domain/errors.js';
import type { Issuer, IssuerTraits } from '../../domain/issuer.js';
import type { SecretValue } from '../../domain/secret-value.js';
import { issuerChecks } from '../../conformance/checks.js';
import type { IssuerUnderTest } from '../../conformance/subject.js';

export interface PreparedIssuer extends IssuerUnderTest {
  close(): Promise<void>;
}

export interface Held {
  readonly name: string;
  /** What it claims decides which checks there are; that they are its own is the first of them. */
  readonly traits: IssuerTraits;
}

export function describeIssuer(
  { name, traits }: Held,
  prepare: () => Promise<PreparedIssuer>,
): void {
  describe(name, () => {
    let subject: PreparedIssuer;
    beforeEach(async () => {
      subject = await prepare();
    });
    afterEach(() => subject.close());

    test('has the traits that it is held to', () => {
      expect(subject.issuer.traits).toEqual(traits);
    });
    for (const { name: promise, run } of issuerChecks.filter(({ applies }) => applies(traits))) {
      test(promise, () => run(subject));
    }
  });
}

/** Each breaks one promise; a contract that lets one pass promises nothing. */
export const brokenIssuers: Readonly<Record<string, (sound: Issuer) => Partial<Issuer>>> = {
  'accepts whatever it is shown': () => ({ verify: () => Promise.resolve() }),
  'takes any live value of the principal for the one that was asked about': (sound) => ({
    verify: async (ref, value, mark) => {
      for (const [index, { credentialId }] of (await sound.list(ref.secret)).entries()) {
        const passes = await isKept(
          sound.verify({ ...ref, credentialId }, value, `${mark}-${index}`),
        );
        if (passes) return;
      }
      throw new CredentialRefused();
    },
  }),
  'revokes nothing': () => ({ revoke: () => Promise.resolve() }),
  'fails a second revoke': (sound) => ({
    revoke: async (ref) => {
      const there = await sound.list(ref.secret);
      if (!there.some(({ credentialId }) => credentialId === ref.credentialId))
        throw new Error('gone');
      await sound.revoke(ref);
    },
  }),
  'revokes whatever carries another tag': (sound) => ({
    revoke: (ref) => sound.revoke({ ...ref, tag: undefined }),
  }),
  'mints without the tag': (sound) => ({
    mint: (request) => sound.mint({ ...request, tag: 'somebody/else' }),
  }),
  'lists nothing': () => ({ list: () => Promise.resolve([]) }),
  "takes others' credentials for its own": (sound) => ({
    list: async (secret) =>
      (await sound.list(secret)).map((credential) => ({
        ...credential,
        tag: { kind: 'ours', versionId: 'any' },
      })),
  }),
  'disables nothing': () => ({ disable: () => Promise.resolve() }),
  'enables nothing': () => ({ enable: () => Promise.resolve() }),
  'fails where what it was to enable is gone': (sound) => ({
    enable: async (ref) => {
      const there = await sound.list(ref.secret);
      if (!there.some(({ credentialId }) => credentialId === ref.credentialId))
        throw new Error('gone');
      await sound.enable?.(ref);
    },
  }),
  'cannot do what its traits say': () => ({ observedUse: undefined }) as unknown as Partial<Issuer>,
  'records no use': (sound) => ({
    observedUse: async (secret, since) => {
      const record = await sound.observedUse?.(secret, since);
      if (record === undefined) throw new Error('no record');
      return { ...record, uses: [] };
    },
  }),
  'stands still with its record': (sound) => ({
    observedUse: async (secret, since) => {
      const record = await sound.observedUse?.(secret, since);
      if (record === undefined) throw new Error('no record');
      return { ...record, completeThrough: new Date(0) };
    },
  }),
  'has a gap in its record at every look': (sound) => ({
    observedUse: async (secret, since) => {
      const record = await sound.observedUse?.(secret, since);
      if (record === undefined) throw new Error('no record');
      return { ...record, continuousSince: new Date(record.issuerNow.getTime() + 1) };
    },
  }),
  'prints the value': (sound) => ({
    mint: async (request) => {
      const minted = await sound.mint(request);
      const shown = { reveal: () => minted.value?.reveal(), told: minted.value?.reveal() };
      return { ...minted, value: shown as unknown as SecretValue };
    },
  }),
};

/** The name of the first check that it fails. */
async function failOf(
  prepare: () => Promise<PreparedIssuer>,
  breakIt: (sound: Issuer) => Partial<Issuer>,
): Promise<string | undefined> {
  for (const { name, applies, run } of issuerChecks) {
    const subject = await prepare();
    const issuer = { ...subject.issuer, ...breakIt(subject.issuer) };
    const kept = !applies(issuer.traits) || (await isKept(run({ ...subject, issuer })));
    await subject.close();
    if (!kept) return name;
  }
  return undefined;
}

async function isKept(check: Promise<void>): Promise<boolean> {
  return check.then(
    () => true,
    () => false,
  );
}

export function describeBrokenIssuers(prepare: () => Promise<PreparedIssuer>): void {
  describe('the contract fails an issuer that', () => {
    for (const [fault, breakIt] of Object.entries(brokenIssuers)) {
      test(fault, async () => {
        expect(await failOf(prepare, breakIt)).toBeDefined();
      });
    }
  });
}
