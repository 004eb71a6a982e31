/** The record of use: connections that are open at each look, without rotor's own probes. */
import type { UseRecord } from '../../domain/issuer.js';
import { longestPauseMs, sampledRecord, sinceLooks } from '../records.js';
import type { SeenUses } from '../seen-uses.js';
import { longestUnknownMs, sourceOf, type Connection } from './connections.js';
import { loginTimeoutMs } from './login.js';

export interface Probes {
  /** How the connection of a probe is called: nobody but rotor can make such a name. */
  nameOf(mark: string): string;
  isProbe(name: string | undefined): boolean;
}

const probeName = /^rotor-probe (\S+) ([0-9a-f]{32})$/;

export function namedProbes(fingerprint: (text: string) => string): Probes {
  const sign = (mark: string): string => fingerprint(`rabbitmq probe ${mark}`);
  return {
    nameOf: (mark) => `rotor-probe ${mark} ${sign(mark)}`,
    isProbe: (name) => {
      const [, mark, signed] = probeName.exec(name ?? '') ?? [];
      return mark !== undefined && sign(mark) === signed;
    },
  };
}

/** No probe lives as long, and no leftover of the server counts for a connection as long. */
const noProbeMs = 3 * loginTimeoutMs + longestUnknownMs;

export interface Sampler {
  /** One look: what each of these credentials has open. */
  add(connections: ReadonlyMap<string, readonly Connection[]>, now: Date): void;
  record(since: Date, now: Date): UseRecord;
}

export function openSampler(seen: SeenUses, { isProbe }: Probes): Sampler {
  const nameless = new Map<string, { readonly first: Date; readonly last: Date }>();
  /** Without a name yet, it may be a probe's: one that stays is none. */
  const isUse = ({ id, known }: Connection, now: Date): boolean => {
    if (known !== undefined) return !isProbe(known.name);
    const first = nameless.get(id)?.first ?? now;
    nameless.set(id, { first, last: now });
    return now.getTime() - first.getTime() > noProbeMs;
  };
  const forget = (now: Date): void => {
    for (const [id, { last }] of nameless)
      if (now.getTime() - last.getTime() > longestPauseMs) nameless.delete(id);
  };
  return {
    add: (connections, now) => {
      for (const [credentialId, open] of connections)
        for (const one of open.filter((connection) => isUse(connection, now)))
          seen.add({ credentialId, outcome: 'accepted', at: now, ...told(one) });
      forget(now);
      seen.age(now);
    },
    // What is open at a look is timed by whoever looks.
    record: (since, now) =>
      sampledRecord({
        now,
        since: sinceLooks(since, now),
        uses: seen.since(since),
        resolutionMs: 0,
      }),
  };
}

function told(connection: Connection): { address: string | undefined; name: string | undefined } {
  const { address, name } = sourceOf(connection);
  return { address, name };
}
