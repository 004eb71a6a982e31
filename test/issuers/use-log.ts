/** The test issuer's record of use, in every kind that issuers have. */
import type { IssuerTraits, ObservedUse, UseRecord, UseSource } from '../../domain/issuer.js';

export interface UseLog {
  note(credentialId: string, source: UseSource, accepted: boolean): void;
  since(since: Date): UseRecord;
}

export interface UseLogOptions {
  readonly traits: IssuerTraits;
  readonly now: () => Date;
  readonly resolutionMs: number;
}

/** A sampled record has one use in so many. */
const oneIn = 3;
const minuteMs = 60_000;

export function openUseLog({ traits, now, resolutionMs }: UseLogOptions): UseLog {
  const uses = new Map<string, ObservedUse>();
  let count = 0;
  return {
    note: (credentialId, source, accepted) => {
      if (!accepted && !traits.seesRefusals) return;
      count += 1;
      if (traits.useRecord === 'sampled' && count % oneIn !== 1) return;
      const lastAt = floor(now(), resolutionMs);
      const minute = floor(lastAt, minuteMs);
      const outcome = accepted ? 'accepted' : 'refused';
      // A last moment is all there is: no earlier minute is kept.
      const when = traits.useRecord === 'last-used' ? '' : minute.toISOString();
      const key = JSON.stringify([credentialId, source, outcome, when]);
      const before = uses.get(key)?.count ?? 0;
      const use = { credentialId, source, outcome, minute, lastAt, count: before + 1 } as const;
      uses.set(key, use);
    },
    since: (since) => ({
      kind: traits.useRecord,
      completeThrough: now(),
      continuousSince: undefined,
      resolutionMs,
      issuerNow: now(),
      uses: [...uses.values()].filter(({ lastAt }) => lastAt >= floor(since, resolutionMs)),
    }),
  };
}

function floor(moment: Date, stepMs: number): Date {
  if (stepMs === 0) return moment;
  return new Date(Math.floor(moment.getTime() / stepMs) * stepMs);
}
