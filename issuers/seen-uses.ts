/** What was seen so far, in a memory that is bounded whatever names the programs, or strangers, come with. */
import type { ObservedUse, UseOutcome, UseSource } from '../domain/issuer.js';

export interface Seen {
  readonly credentialId: string;
  readonly outcome: UseOutcome;
  readonly address: string | null | undefined;
  /** What the program calls itself. */
  readonly name?: string | null | undefined;
  readonly at: Date;
}

/** One memory serves every secret of the server: whose credentials they are is the registry's to say. */
export interface SeenUses {
  add(seen: Seen): void;
  /** Forgets what is old, by the server's clock. */
  age(now: Date): void;
  since(since: Date): ObservedUse[];
}

const keptMs = 40 * 86_400_000;
const dayMs = 86_400_000;
const minuteMs = 60_000;
/** What is older is kept by day: last moment and sum. */
const byMinuteMs = 3_600_000;
/** Of one credential in one minute or day; further sources lose their name, then their address, and never the use itself. */
const mostSources = 50;
/** Anybody can be refused under any name: the oldest refusals go first. */
const mostRefusals = 20_000;

interface Period {
  readonly lengthMs: number;
  readonly uses: Map<string, ObservedUse>;
  /** How many sources a credential has in one period. */
  readonly sources: Map<string, number>;
}

export function rememberUses(): SeenUses {
  const accepted = { recent: period(minuteMs), old: period(dayMs) };
  const refused = { recent: period(minuteMs), old: period(dayMs) };
  const both = [accepted, refused];
  return {
    add: ({ credentialId, outcome, address, name, at }) => {
      const source = { ...(address ? { address } : {}), ...(name ? { name } : {}) };
      const minute = new Date(Math.floor(at.getTime() / minuteMs) * minuteMs);
      const use = { credentialId, source, outcome, minute, lastAt: at, count: 1 };
      const { recent, old } = outcome === 'accepted' ? accepted : refused;
      // A log that is read for the first time may tell of weeks.
      put(Date.now() - at.getTime() > byMinuteMs ? old : recent, use);
    },
    age: (now) => {
      for (const { recent, old } of both) {
        for (const use of takeBefore(recent, now.getTime() - byMinuteMs)) put(old, use);
        takeBefore(old, now.getTime() - keptMs);
      }
      for (const part of [refused.recent, refused.old]) keepNewest(part);
    },
    since: (since) =>
      both
        .flatMap(({ recent, old }) => [...recent.uses.values(), ...old.uses.values()])
        .filter(({ lastAt }) => lastAt >= since),
  };
}

function period(lengthMs: number): Period {
  return { lengthMs, uses: new Map(), sources: new Map() };
}

function groupOf({ credentialId, minute }: ObservedUse, { lengthMs }: Period): string {
  return `${Math.floor(minute.getTime() / lengthMs)} ${credentialId}`;
}

function put(period: Period, use: ObservedUse): void {
  const group = groupOf(use, period);
  const source = knownOrRoomFor(period, group, use.source);
  const key = keyOf(group, source);
  const before = period.uses.get(key);
  if (before === undefined) {
    period.sources.set(group, (period.sources.get(group) ?? 0) + 1);
    period.uses.set(key, { ...use, source });
    return;
  }
  const later = before.lastAt > use.lastAt ? before : use;
  const { lastAt, minute } = later;
  period.uses.set(key, { ...before, lastAt, minute, count: before.count + use.count });
}

function knownOrRoomFor(period: Period, group: string, source: UseSource): UseSource {
  const count = period.sources.get(group) ?? 0;
  if (count < mostSources || period.uses.has(keyOf(group, source))) return source;
  const { address } = source;
  if (address === undefined) return {};
  const placed = { address };
  return count < 2 * mostSources || period.uses.has(keyOf(group, placed)) ? placed : {};
}

function keyOf(group: string, source: UseSource): string {
  return JSON.stringify([group, source.address, source.name]);
}

function takeBefore(period: Period, endMs: number): ObservedUse[] {
  const taken = [...period.uses].filter(([, { lastAt }]) => lastAt.getTime() < endMs);
  for (const [key, use] of taken) remove(period, key, use);
  return taken.map(([, use]) => use);
}

function keepNewest(period: Period): void {
  const excess = period.uses.size - mostRefusals;
  if (excess <= 0) return;
  for (const [key, use] of [...period.uses].slice(0, excess)) remove(period, key, use);
}

function remove(period: Period, key: string, use: ObservedUse): void {
  const group = groupOf(use, period);
  const left = (period.sources.get(group) ?? 0) - 1;
  period.uses.delete(key);
  if (left > 0) period.sources.set(group, left);
  else period.sources.delete(group);
}
