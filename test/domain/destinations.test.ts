import { describe, expect, test } from '@jest/globals';
import type { Ports } from '../../activities/ports.js';
import { sweepDestinations, type DestinationSweep } from '../../activities/sweep-destinations.js';
import { AdapterError } from '../../domain/errors.js';
import { judgeSweep } from '../../domain/sweep/overdue.js';
import type { SweptSecret } from '../../domain/sweep/facts.js';
import type { SweepTold } from '../../domain/sweep/progress.js';
import { ago, day, now } from './facts.js';

const at = (connector: string, identity: string) => ({ connector, identity, byPerson: false });
const secret = (secretId: string, dependencies: object[]): SweptSecret =>
  ({ ...{ secretId, now, versions: [], retired: [], busy: false }, dependencies }) as never;

/** Places that are called `away` do not answer. */
function sweepOf(secrets: readonly SweptSecret[]) {
  const asked: string[] = [];
  const findings: string[] = [];
  const held = ({ identity }: { identity: string }) => {
    asked.push(identity);
    if (identity.startsWith('away')) return Promise.reject(new AdapterError('timed-out', 'slow'));
    return Promise.resolve({ versionIds: [], unknown: [], attests: undefined });
  };
  const sweeps = {
    read: ({ after = '' }: { after?: string }) =>
      Promise.resolve(secrets.filter(({ secretId }) => secretId > after)),
    busy: () => Promise.resolve(new Set()),
    write: (page: { secrets: { findings: { about: string }[] }[] }) => {
      for (const one of page.secrets) findings.push(...one.findings.map(({ about }) => about));
      return Promise.resolve({ opened: 0, closed: 0 });
    },
  };
  const connector = () => ({ held, traits: () => ({ holdsSeveral: false }) });
  const ports = { registry: { sweeps }, connector } as unknown as Ports;
  const sweep = (more: Partial<DestinationSweep> = {}) =>
    sweepDestinations(ports, { after: undefined, ...more });
  return { asked, findings, sweep };
}

describe('destinations that do not answer', () => {
  test('are not asked for ever: three in a row are enough, of that connector, for the whole sweep', async () => {
    const aways = [1, 2, 3, 4, 5].map((n) => at('webhook', `away ${n}`));
    const places = [...aways, at('dotenv', 'file')];
    const { asked, findings, sweep } = sweepOf([secret('a', places)]);
    const { trouble } = await sweep();
    expect(asked).toEqual(['away 1', 'away 2', 'away 3', 'file']);
    expect(findings).toHaveLength(5);
    await sweep({ trouble });
    expect(asked).toHaveLength(5);
  });

  test('now and then keep the others from nothing', async () => {
    const places = ['away 1', 'away 2', 'one', 'away 3', 'away 4', 'two'];
    const all = places.map((identity) => at('webhook', identity));
    const { asked, sweep } = sweepOf([secret('a', all)]);
    expect((await sweep()).trouble).toEqual({ webhook: 0 });
    expect(asked).toEqual(places);
  });

  test('or slowly, make smaller batches, each of which comes on', async () => {
    const { asked, sweep } = sweepOf(['a', 'b', 'c'].map((id) => secret(id, [at('dotenv', id)])));
    const first = await sweep({ forMs: 0 });
    expect([first.next, asked]).toEqual(['a', ['a']]);
    expect((await sweep({ forMs: 0, after: first.next })).next).toBe('b');
    expect((await sweep({ forMs: 60_000, after: first.next })).next).toBeUndefined();
  });
});

describe('a sweep', () => {
  const told = { outcome: 'swept' } as SweepTold;
  const last = { running: false, startedAt: ago(day), told };
  const never = { running: false, startedAt: undefined, told: undefined };
  test.each([
    ['that ended as it should', last, ago(9 * day), 'fine'],
    ['that failed', { ...last, told: undefined }, ago(9 * day), 'overdue'],
    ['that broke off', { ...last, told: { ...told, brokeOff: true } }, ago(9 * day), 'overdue'],
    [
      'that runs after one that failed',
      { ...never, ...last, running: true, told: undefined },
      ago(9 * day),
      'not-known-yet',
    ],
    ['of three days ago', { ...last, startedAt: ago(3 * day) }, ago(9 * day), 'overdue'],
    [
      'that runs for three days',
      { ...last, startedAt: ago(3 * day), running: true },
      ago(9 * day),
      'overdue',
    ],
    ['that never was, of what was declared just now', never, ago(day), 'fine'],
    ['that never was, of what was declared long ago', never, ago(9 * day), 'overdue'],
    ['of nothing', never, undefined, 'fine'],
  ])('%s', (...[, sweep, since, expected]) => {
    const verdict = judgeSweep(sweep, { since, now });
    expect(typeof verdict === 'string' ? verdict : 'overdue').toBe(expected);
  });
});
