/** Copies an issuer's record of use, keeps disabled versions disabled, and wakes the runs that what was seen concerns. */
import { sleep } from '@temporalio/activity';
import type { Issuer } from '../domain/issuer.js';
import type { WatchedSecret } from '../domain/registry.js';
import { codeOf } from './failures.js';
import type { Ports } from './ports.js';
import { renewLeases } from './renew-leases.js';

export interface Collection {
  readonly issuer: string;
  /** How long this activity goes on before the workflow starts the next one. */
  readonly forMs: number;
}

/** Between two looks at secrets that something happens to. */
const pauseMs = 250;
const atOnce = 8;

export async function collectUse(ports: Ports, { issuer: name, forMs }: Collection): Promise<void> {
  const issuer = ports.issuer(name);
  const stop = Date.now() + forMs;
  while (Date.now() < stop) {
    const watched = await ports.registry.watched(name);
    for (let start = 0; start < watched.length; start += atOnce) {
      await Promise.all(watched.slice(start, start + atOnce).map((w) => collect(ports, issuer, w)));
    }
    await renewLeases(ports, name, issuer);
    await sleep(pauseMs);
  }
}

/** An issuer that does not answer leaves the record as it is: it stands still, and that blocks. */
async function collect(ports: Ports, issuer: Issuer, watched: WatchedSecret): Promise<void> {
  if (issuer.observedUse === undefined) return;
  try {
    const seen = await issuer.observedUse(watched, watched.since);
    const news = await ports.registry.recordUse({ ...watched, record: seen });
    for (const { secretId, what } of news) await ports.tell(secretId, { what, by: 'collector' });
  } catch (error) {
    ports.warn('the record of use could not be read', {
      secret: watched.name,
      code: codeOf(error),
    });
  }
}
