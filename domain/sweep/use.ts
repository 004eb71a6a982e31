/** Rules about use: nobody, somebody nobody knows, and somebody who has fallen silent. Silence counts only where it is proven. */
import { attribute, describeSource, isExplained } from '../attribution.js';
import type { RecordFacts } from '../facts.js';
import { standsStill } from '../quiet.js';
import { isUsable } from '../version.js';
import { currentOf, day, onDay, roughly, type SweptDependency, type SweptSecret } from './facts.js';
import type { Found, Rule } from './rule.js';

/** Since when nobody was seen, and for how long that is proven. */
interface Silence {
  readonly since: Date;
  readonly ms: number;
}

/** Undefined where the record cannot prove silence. Before the current version came, use was another one's. */
function silenceSince(secret: SweptSecret, last: Date | undefined): Silence | undefined {
  const { record } = secret;
  const current = currentOf(secret);
  if (record === undefined || current === undefined || !provesSilence(record)) return undefined;
  const moments = [record.continuousSince, current.activatedAt ?? current.createdAt, last];
  const since = Math.max(...moments.map((moment) => moment?.getTime() ?? 0));
  const ms = record.completeThrough.getTime() - record.resolutionMs - since;
  return { since: new Date(since), ms };
}

function provesSilence(record: RecordFacts): boolean {
  return (record.kind === 'exact' || record.kind === 'last-used') && !standsStill(record);
}

const usualSilenceMs = 30 * day;

export const unused: Rule = {
  code: 'unused',
  find: (secret) => {
    const last = newest(secret.uses.map(({ lastAt }) => lastAt));
    const silence = silenceSince(secret, last);
    if (silence === undefined || silence.ms < silenceNeeded(secret)) return [];
    const message = `nobody has used it since ${onDay(silence.since)}: ${roughly(silence.ms)}, by a complete record`;
    const { kind, completeThrough } = secret.record ?? {};
    const evidence = { since: silence.since, lastUse: last ?? null, record: kind, completeThrough };
    return [{ about: 'secret', message, evidence }];
  },
};

/** Whoever comes by once a quarter is not nobody. */
function silenceNeeded({ dependencies, quietPeriodMs }: SweptSecret): number {
  const rhythms = dependencies.map(({ usesAtLeastEveryMs }) => usesAtLeastEveryMs ?? 0);
  return Math.max(usualSilenceMs, quietPeriodMs, ...rhythms);
}

function newest(moments: readonly Date[]): Date | undefined {
  if (moments.length === 0) return undefined;
  return new Date(Math.max(...moments.map((moment) => moment.getTime())));
}

/** A source that was not seen for longer is nobody to look for any more. */
const rememberedMs = 90 * day;

export const undeclaredUse: Rule = {
  code: 'undeclared-use',
  find: (secret) => {
    const { now, versions, uses, dependencies, retired } = secret;
    const ordinals = new Map(
      versions
        .filter(({ state }) => isUsable(state))
        .map(({ versionId, ordinal }) => [versionId, ordinal]),
    );
    return uses.flatMap(({ versionId, source, sourceKey, lastAt, count }): Found[] => {
      const ordinal = ordinals.get(versionId);
      if (ordinal === undefined || now.getTime() - lastAt.getTime() > rememberedMs) return [];
      if (isExplained(source, dependencies)) return [];
      const was = attribute(source, retired);
      const who = `${describeSource(source)}${was === undefined ? '' : ` (${was.dependent}, which was retired)`}`;
      const message = `v${ordinal} is used by nobody declared: ${who}`;
      const evidence = { lastAt, count };
      return [{ about: `${versionId} ${sourceKey}`, versionId, source, message, evidence }];
    });
  },
};

export const dependentSilent: Rule = {
  code: 'dependent-silent',
  find: (secret) => {
    // A record of last uses does not say whose they were.
    if (secret.record?.kind !== 'exact') return [];
    const seen = lastSeen(secret);
    return secret.dependencies.flatMap((dependency) => silent(secret, dependency, seen));
  },
};

function lastSeen({ uses, dependencies }: SweptSecret): ReadonlyMap<string, Date> {
  const seen = new Map<string, Date>();
  for (const { source, lastAt } of uses) {
    const id = attribute(source, dependencies)?.dependencyId;
    if (id !== undefined && lastAt > (seen.get(id) ?? new Date(0))) seen.set(id, lastAt);
  }
  return seen;
}

function silent(
  secret: SweptSecret,
  dependency: SweptDependency,
  seen: ReadonlyMap<string, Date>,
): Found[] {
  const { usesAtLeastEveryMs: every, seenAs, dependent, dependencyId, declaredAt } = dependency;
  if (every === undefined || seenAs === undefined) return [];
  const last = seen.get(dependencyId);
  const silence = silenceSince(secret, newest([declaredAt, ...(last === undefined ? [] : [last])]));
  if (silence === undefined || silence.ms <= every + dependency.picksUpWithinMs) return [];
  const message = `${dependent} said it uses this at least every ${roughly(every)}, and was not seen for ${roughly(silence.ms)}`;
  const evidence = { since: silence.since, lastSeen: last ?? null, usesAtLeastEveryMs: every };
  return [{ about: `${dependent} ${dependency.identity}`, message, evidence }];
}
