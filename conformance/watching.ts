/** What an issuer owes that tells who used its credentials: each use, with its source, up to a moment that it promises. */
import assert from 'node:assert/strict';
import {
  accepts,
  comesTrue,
  day,
  make,
  recordsEveryUse,
  seen,
  usesOf,
  type IssuerCheck,
  type IssuerUnderTest,
} from './subject.js';

/** Some tell the minute. */
const clockSlackMs = 60_000;

const recorded =
  'the record tells of the use, with the name that the program was given (userAgent, or name)';

/** A time of use that lags behind the clock of the record, by a time zone perhaps, would count as silence. */
async function assertSameClock(
  { issuer, secret }: IssuerUnderTest,
  lastAt: Date | undefined,
  began: number,
): Promise<void> {
  const record = await issuer.observedUse?.(secret, new Date(Date.now() - day));
  const ageMs = (record?.issuerNow.getTime() ?? 0) - (lastAt?.getTime() ?? 0);
  const resolutionMs = (record?.resolutionMs ?? 0) + clockSlackMs;
  const isSame = ageMs >= -resolutionMs && ageMs <= Date.now() - began + resolutionMs;
  assert.ok(isSame, 'the time of a use is by the clock that tells what time it is now');
}

export const watching: readonly IssuerCheck[] = [
  {
    name: 'a reading goes on where the one before it ended, without a gap',
    applies: ({ useRecord }) => useRecord !== 'absent',
    async run({ issuer, secret }) {
      const first = await issuer.observedUse?.(secret, new Date(Date.now() - day));
      assert.ok(first !== undefined, 'the record of use can be read');
      const next = await issuer.observedUse?.(secret, first.completeThrough);
      assert.ok(
        next !== undefined && next.completeThrough >= first.completeThrough,
        'it is complete as far as before, or further',
      );
      assert.ok(
        (next.continuousSince ?? first.completeThrough) <= first.issuerNow,
        'there is no gap between the two',
      );
    },
  },
  {
    name: 'an accepted use is seen with its source, and the record goes past it',
    applies: recordsEveryUse,
    usesIt: true,
    async run(subject) {
      const { issuer, secret } = subject;
      const made = await make(subject);
      const began = Date.now();
      for (const _time of [1, 2])
        assert.ok(await subject.use(made.value.reveal(), 'billing'), 'a program is let in');
      const wanted = { outcome: 'accepted', userAgent: 'billing' } as const;
      await comesTrue(subject, recorded, async () => {
        return (await seen(subject, made, wanted)) !== undefined;
      });
      const use = await seen(subject, made, wanted);
      await assertSameClock(subject, use?.lastAt, began);
      await comesTrue(subject, 'the record goes past it', async () => {
        const record = await issuer.observedUse?.(secret, new Date(Date.now() - day));
        assert.ok(record !== undefined, 'the record of use can be read');
        assert.ok(record.completeThrough <= record.issuerNow, 'it is complete up to now at most');
        const sure = record.completeThrough.getTime() + record.resolutionMs;
        return use !== undefined && sure >= use.lastAt.getTime();
      });
    },
  },
  {
    name: 'a refused use is seen with its source',
    applies: ({ seesRefusals, useRecord }) => seesRefusals && useRecord === 'exact',
    usesIt: true,
    async run(subject) {
      const made = await make(subject);
      await subject.issuer.revoke(made);
      const refused = async (): Promise<boolean> =>
        !(await subject.use(made.value.reveal(), 'late'));
      await comesTrue(subject, 'it is refused', refused);
      await comesTrue(subject, recorded, async () => {
        return (await seen(subject, made, { outcome: 'refused', userAgent: 'late' })) !== undefined;
      });
    },
  },
  {
    name: "rotor's own marked probes are left out of the record",
    applies: (traits) => traits.tellsProbesApart && recordsEveryUse(traits),
    usesIt: true,
    async run(subject) {
      const made = await make(subject);
      assert.ok(await accepts(subject, made), 'the probe is accepted');
      assert.ok(await subject.use(made.value.reveal(), 'billing'), 'a program is let in');
      const seenAs = { outcome: 'accepted', userAgent: 'billing' } as const;
      await comesTrue(subject, recorded, async () => {
        return (await seen(subject, made, seenAs)) !== undefined;
      });
      const uses = await usesOf(subject, made);
      // Not every issuer sees a name: who it was is checked above.
      assert.deepEqual(
        uses.map(({ count }) => count),
        [1],
        'there is one use, which is no probe',
      );
    },
  },
];
