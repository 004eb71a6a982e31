/** What destinations hold, against what they should: an old value, a foreign one, none, or one of somebody who is gone. */
import type { Finding, FindingCode } from '../finding.js';
import { isLive } from '../version.js';
import { currentOf, type SweptDependency, type SweptSecret, type SweptVersion } from './facts.js';

export const heldCodes: readonly FindingCode[] = [
  'old-value',
  'foreign-value',
  'destination-empty',
  'destination-unreadable',
  'retired-leftover',
];

export interface Held {
  readonly dependency: SweptDependency;
  readonly holdsSeveral: boolean;
  /** Known versions that it holds. */
  readonly versionIds: readonly string[];
  /** Nothing of them is what is read there. */
  readonly isEmpty: boolean;
  /** How many entries are none of them. */
  readonly unknown: number;
}

/** Places that no dependent has any more; what is written for somebody else now is looked at there. */
export function abandonedPlaces({ dependencies, retired }: SweptSecret): SweptDependency[] {
  const used = new Set(dependencies.map(({ destinationId }) => destinationId));
  const seen = new Set<string>();
  return retired.filter(({ destinationId }) => {
    if (used.has(destinationId) || seen.has(destinationId)) return false;
    seen.add(destinationId);
    return true;
  });
}

export function judgeHeld(secret: SweptSecret, held: Held): Finding[] {
  const current = currentOf(secret);
  // Without a version in service nothing is old or missing; whoever has the value is told by its end.
  if (current === undefined) return [];
  const old = held.versionIds
    .filter((versionId) => versionId !== current.versionId)
    .flatMap((versionId) => secret.versions.filter((version) => version.versionId === versionId));
  if (old.length > 0) return held.dependency.withheld ? [] : [oldValue(held, current, old)];
  if (current.value !== 'sealed') return [];
  if (held.unknown > 0) {
    const alone = !held.holdsSeveral && !held.versionIds.includes(current.versionId);
    return alone ? [foreignValue(held, current)] : [];
  }
  const emptied = held.isEmpty && held.dependency.delivered;
  return emptied ? [emptyDestination(held, current)] : [];
}

/** Whoever has a dead value alone fails already, or will with its next start. */
function oldValue(
  { dependency, versionIds }: Held,
  current: SweptVersion,
  old: readonly SweptVersion[],
): Finding {
  const { dependent, identity } = dependency;
  const names = old.map(({ ordinal, state }) => `v${ordinal} (${state})`);
  const holds = versionIds.includes(current.versionId) ? ' beside the current version' : '';
  const broken = holds === '' && old.every(({ state }) => !isLive(state));
  return {
    code: 'old-value',
    about: identity,
    message: `${dependent} holds ${names.join(', ')}${holds}; v${current.ordinal} is current (${identity})`,
    severity: broken ? 'critical' : 'warning',
    evidence: { dependent, versions: names, current: `v${current.ordinal}` },
  };
}

function foreignValue(
  { dependency: { dependent, identity } }: Held,
  { ordinal }: SweptVersion,
): Finding {
  const message = `${dependent} holds a value that rotor does not know, and not v${ordinal} (${identity})`;
  return { code: 'foreign-value', about: identity, message, evidence: { dependent } };
}

function emptyDestination(
  { dependency: { dependent, identity } }: Held,
  { ordinal }: SweptVersion,
): Finding {
  const message = `${dependent} was given v${ordinal} and holds nothing (${identity})`;
  return { code: 'destination-empty', about: identity, message, evidence: { dependent } };
}

export function unreadable(
  { dependent, identity }: SweptDependency,
  { code, message: why }: { readonly code: string; readonly message: string },
): Finding {
  const message = `${dependent} could not be looked at: ${why} (${identity})`;
  const evidence = { dependent, error: code };
  return { code: 'destination-unreadable', about: identity, message, evidence };
}

/** Whoever fails so often in a row is not asked ten thousand times. */
const mostFailures = 3;

export function isGivenUp(failures: number | undefined): boolean {
  return (failures ?? 0) >= mostFailures;
}

export function notAsked(dependency: SweptDependency): Finding {
  const message = `${dependency.connector} had failed ${mostFailures} times in a row`;
  return unreadable(dependency, { code: 'not-asked', message });
}

export function judgeAbandoned(
  { versions }: SweptSecret,
  { dependency, versionIds }: Pick<Held, 'dependency' | 'versionIds'>,
): Finding[] {
  const live = versions.filter(
    ({ versionId, state }) => versionIds.includes(versionId) && isLive(state),
  );
  if (live.length === 0) return [];
  const { dependent, identity } = dependency;
  const names = live.map(({ ordinal }) => `v${ordinal}`).join(', ');
  const message = `${dependent} is retired, and its place still holds ${names}, which lives (${identity})`;
  return [{ code: 'retired-leftover', about: identity, message, evidence: { dependent } }];
}
