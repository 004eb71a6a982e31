/** Who was refused by a version that is disabled: the value was right, and somebody needs it. */
import { isAcceptedSource } from './acceptance.js';
import { describeSource } from './attribution.js';
import type { EffectFacts, Facts, VersionFacts } from './facts.js';

/** A lease that nobody renews ends after this long, and the old version works again. */
export const disableLeaseMs = 60_000;

/** Sources that were refused since the version was disabled, without those that were accepted to break. */
export function stragglers(facts: Facts, version: VersionFacts): string[] {
  const { versionId } = version;
  const disabledSince = refusedSince(facts, version);
  if (disabledSince === undefined) return [];
  const since = byIssuer(facts, disabledSince).getTime();
  return facts.uses
    .filter((use) => use.versionId === versionId && use.outcome === 'refused')
    .filter(({ lastAt }) => lastAt.getTime() >= since)
    .filter(({ source }) => !isAcceptedSource(facts, source))
    .map(({ source }) => describeSource(source));
}

/** A disabling that was begun and not recorded may have happened: refusals count from its begin. */
function refusedSince(
  facts: Facts,
  { state, disabledAt, versionId }: VersionFacts,
): Date | undefined {
  if (state === 'disabled') return disabledAt;
  const begins = openDisablings(facts, versionId).map(
    ({ deadline }) => deadline.getTime() - disableLeaseMs,
  );
  return begins.length === 0 ? undefined : new Date(Math.min(...begins));
}

export function byIssuer({ record }: Facts, at: Date): Date {
  return new Date(at.getTime() + (record?.skewMs ?? 0));
}

export function openDisablings({ effects }: Facts, versionId: string): EffectFacts[] {
  return effects.filter((effect) => effect.kind === 'disable' && effect.versionId === versionId);
}
