/** Uses that were told one by one, as the port wants them: one line for each credential, source, outcome and minute. */
import type { ObservedUse, UseSource } from '../domain/issuer.js';
import { readableName } from '../domain/readable.js';

const minuteMs = 60_000;

export function byMinute(told: readonly Omit<ObservedUse, 'minute'>[]): ObservedUse[] {
  const found = new Map<string, ObservedUse>();
  for (const { lastAt, count, ...use } of told) {
    const who = { ...use, source: readable(use.source) };
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

/** Whoever uses a credential says what it is called. */
function readable(source: UseSource): UseSource {
  const said = Object.entries(source) as [keyof UseSource, string | undefined][];
  return Object.fromEntries(
    said.map(([key, text]) => [key, text === undefined ? text : readableName(text)]),
  );
}
