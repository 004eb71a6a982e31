/** The record of use as the port wants it: a server may tell each use by itself, or several at once. */
import type { z } from 'zod';
import type { ObservedUse } from '../../domain/issuer.js';
import type { UseReply } from './protocol.js';

type Told = z.output<typeof UseReply>['uses'][number];

const minuteMs = 60_000;

/** One for each credential, source, outcome and minute. */
export function byMinute(told: readonly Told[]): ObservedUse[] {
  const found = new Map<string, ObservedUse>();
  for (const { lastAt: moment, count, ...who } of told) {
    const lastAt = new Date(moment);
    const minute = new Date(Math.floor(lastAt.getTime() / minuteMs) * minuteMs);
    const { address, userAgent, name } = who.source;
    const key = JSON.stringify([
      ...[who.credentialId, who.outcome, minute.getTime()],
      ...[address, userAgent, name],
    ]);
    const before = found.get(key);
    const latest = before !== undefined && before.lastAt > lastAt ? before.lastAt : lastAt;
    found.set(key, { ...who, minute, lastAt: latest, count: count + (before?.count ?? 0) });
  }
  return [...found.values()];
}
