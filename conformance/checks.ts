/** What every issuer owes to rotor, as named checks; its traits say which of them apply. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Credential } from '../domain/issuer.js';
import { SecretValue } from '../domain/secret-value.js';
import {
  accepts,
  always,
  codeOf,
  comesTrue,
  day,
  listed,
  make,
  ordered,
  type IssuerCheck,
  type Made,
} from './subject.js';
import { watching } from './watching.js';

const making: readonly IssuerCheck[] = [
  {
    name: 'a credential is listed once, carries its tag and ends when it was asked to',
    applies: ({ lists }) => lists,
    async run(subject) {
      const made = await make(subject);
      const found = async (): Promise<Credential | undefined> => listed(subject, made);
      await comesTrue(subject, 'it is listed', async () => (await found()) !== undefined);
      const credential = await found();
      const { tag, longestValidityMs } = subject.issuer.traits;
      const carried = { kind: 'ours', versionId: made.versionId };
      assert.deepEqual(
        credential?.tag,
        tag === 'place' ? carried : { kind: 'none' },
        'it carries its tag',
      );
      assert.equal(credential?.disabled, false, 'it is not disabled');
      if (longestValidityMs === undefined) return;
      const end = credential?.expiresAt?.getTime() ?? 0;
      assert.ok(Math.abs(end - Date.now() - day) < 60_000, 'it ends when it was asked to');
    },
  },
  {
    name: "somebody else's credential is never read as ours",
    applies: ({ lists, overlap }) => lists && overlap.kind !== 'none',
    async run(subject) {
      const credentialId = await subject.plant();
      const found = async (): Promise<Credential | undefined> => listed(subject, { credentialId });
      await comesTrue(subject, 'it is listed', async () => (await found()) !== undefined);
      assert.notEqual((await found())?.tag.kind, 'ours', 'its tag is not ours');
    },
  },
  {
    name: 'a value of ours makes one credential however often it is minted',
    applies: ({ valueChosenBy, lists }) => valueChosenBy === 'ours' && lists,
    async run(subject) {
      const { issuer, secret } = subject;
      const request = { secret, ...ordered(subject), expiresAt: undefined };
      const value = new SecretValue(`ours-${randomUUID()}`);
      const first = await issuer.mint({ ...request, value });
      const again = await issuer.mint({ ...request, value });
      assert.equal(again.credentialId, first.credentialId, 'it is the same credential');
      await comesTrue(
        subject,
        'it is listed',
        async () => (await issuer.list(secret)).length === 1,
      );
    },
  },
  {
    name: 'nothing that is returned or thrown shows the value when printed',
    applies: always,
    async run(subject) {
      const { issuer } = subject;
      const made = await make(subject);
      const hidden = made.value.reveal();
      const shown = [inspect(made, { depth: 9 }), JSON.stringify(made)];
      assert.ok(!shown.some((text) => text.includes(hidden)), 'no answer but the value holds it');
      const wrong = new SecretValue(`wrong-${hidden}`);
      const reason = await issuer
        .verify(made, wrong, randomUUID())
        .catch((error: unknown) => error);
      assert.ok(
        !inspect(reason, { depth: 9, showHidden: true }).includes(hidden),
        'no error holds the value',
      );
    },
  },
  {
    name: 'as many live at once as the overlap says',
    applies: always,
    async run(subject) {
      const { overlap } = subject.issuer.traits;
      const room = 'slots' in overlap ? overlap.slots : overlap.kind === 'many' ? 3 : 1;
      const made: Made[] = [];
      for (let count = 0; count < room; count += 1) made.push(await make(subject));
      for (const one of made) assert.ok(await accepts(subject, one), 'each of them is accepted');
      if (overlap.kind === 'many') return;
      const [oldest] = made;
      assert.ok(oldest !== undefined);
      if (overlap.kind === 'slots')
        assert.equal(await codeOf(make(subject)), 'refused', 'there is no room for more');
      else assert.ok(await accepts(subject, await make(subject)), 'a further one is accepted');
      const survives = overlap.kind === 'slots';
      await comesTrue(
        subject,
        survives ? 'the oldest lives on' : 'the oldest made room',
        async () => {
          return (await accepts(subject, oldest)) === survives;
        },
      );
      for (const one of made.slice(1))
        assert.ok(await accepts(subject, one), 'the others stay as they are');
    },
  },
];

const ending: readonly IssuerCheck[] = [
  {
    name: 'the value is accepted, another is not, and after the revoke neither is',
    applies: always,
    async run(subject) {
      const made = await make(subject);
      assert.ok(await accepts(subject, made), 'its value is accepted');
      const wrong = subject.issuer.verify(made, new SecretValue('wrong'), randomUUID());
      assert.equal(await codeOf(wrong), 'credential-refused', 'another value is refused');
      await subject.issuer.revoke(made);
      await comesTrue(subject, 'it is refused', async () => !(await accepts(subject, made)));
      if (!subject.issuer.traits.lists) return;
      await comesTrue(
        subject,
        'it is listed no more',
        async () => (await listed(subject, made)) === undefined,
      );
    },
  },
  {
    name: 'of two live credentials each value passes for its own only',
    applies: ({ overlap }) =>
      overlap.kind === 'many' || (overlap.kind !== 'none' && overlap.slots > 1),
    async run(subject) {
      const [one, other] = [await make(subject), await make(subject)];
      assert.notEqual(one.credentialId, other.credentialId, 'each has an id of its own');
      for (const made of [one, other])
        assert.ok(await accepts(subject, made), 'each value is accepted');
      for (const [made, { value }] of [
        [one, other],
        [other, one],
      ] as const)
        assert.equal(await accepts(subject, { ...made, value }), false, "the other's value is not");
    },
  },
  {
    name: 'a second revoke is success',
    applies: always,
    async run(subject) {
      const made = await make(subject);
      await subject.issuer.revoke(made);
      await subject.issuer.revoke(made);
    },
  },
  {
    name: 'a credential that carries another tag is not ours, and stays as it is',
    applies: ({ tag }) => tag === 'place',
    async run(subject) {
      const { issuer } = subject;
      const made = await make(subject);
      const mistaken = { ...made, ...ordered(subject) };
      assert.equal(await codeOf(issuer.revoke(mistaken)), 'not-ours', 'a revoke of it is refused');
      if (issuer.disable !== undefined) {
        const until = new Date(Date.now() + day);
        assert.equal(await codeOf(issuer.disable(mistaken, until)), 'not-ours');
      }
      assert.ok(await accepts(subject, made), 'it is accepted still');
    },
  },
  {
    name: 'what is disabled is refused, until it is enabled; both may be repeated',
    applies: ({ disable }) => disable !== 'none',
    async run(subject) {
      const { issuer } = subject;
      const made = await make(subject);
      const until = new Date(Date.now() + day);
      for (const wanted of [false, false, true, true]) {
        await (wanted ? issuer.enable?.(made) : issuer.disable?.(made, until));
        await comesTrue(
          subject,
          `accepted: ${wanted}`,
          async () => (await accepts(subject, made)) === wanted,
        );
      }
    },
  },
  {
    name: 'of what is gone nothing is left to enable, and that is success',
    applies: ({ disable, lists }) => disable !== 'none' && lists,
    async run(subject) {
      const made = await make(subject);
      await subject.issuer.revoke(made);
      await comesTrue(subject, 'gone', async () => (await listed(subject, made)) === undefined);
      await subject.issuer.enable?.(made);
    },
  },
  {
    name: 'what is disabled comes back by itself where the issuer says so, and only there',
    applies: ({ disable }) => disable !== 'none',
    async run(subject) {
      const { issuer, secret } = subject;
      const made = await make(subject);
      const record = await issuer.observedUse?.(secret, new Date());
      const issuerNow = record?.issuerNow ?? new Date();
      await issuer.disable?.(made, new Date(issuerNow.getTime() + 300));
      assert.equal(await accepts(subject, made), false);
      await pause(600);
      assert.equal(await accepts(subject, made), issuer.traits.disable === 'expires');
    },
  },
  {
    name: 'a method that its traits deny is absent',
    applies: always,
    async run({ issuer }) {
      const { traits } = issuer;
      assert.equal(issuer.disable !== undefined, traits.disable !== 'none');
      assert.equal(issuer.enable !== undefined, traits.disable !== 'none');
      assert.equal(issuer.observedUse !== undefined, traits.useRecord !== 'absent');
      if (traits.outlives === 'nothing') assert.equal(issuer.endOpenUse, undefined);
    },
  },
];

export const issuerChecks: readonly IssuerCheck[] = [...making, ...ending, ...watching];
