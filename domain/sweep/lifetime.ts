/** Rules about time: what expires, has expired, is older than it should be, or was never rotated. */
import { isUsable } from '../version.js';
import { currentOf, day, onDay, roughly, type SweptSecret, type SweptVersion } from './facts.js';
import type { Found, Rule } from './rule.js';

/** Versions that somebody may be using: the current one, or all where none is. */
function inService(secret: SweptSecret): SweptVersion[] {
  const current = currentOf(secret);
  if (current !== undefined) return [current];
  return secret.versions.filter(({ state, origin }) => state === 'active' && origin !== 'orphan');
}

/** Short-lived credentials are warned of in proportion: a third of the life, and the last tenth. */
function noticeOf({ activatedAt, createdAt, expiresAt }: SweptVersion): {
  readonly warnMs: number;
  readonly alarmMs: number;
} {
  const life = (expiresAt?.getTime() ?? 0) - (activatedAt ?? createdAt).getTime();
  return { warnMs: Math.min(30 * day, life / 3), alarmMs: Math.min(7 * day, life / 10) };
}

export const expiring: Rule = {
  code: 'expiring',
  find: (secret) => inService(secret).flatMap((version) => soonOver(secret, version)),
};

/** What a schedule will rotate is said only when that is late. */
function soonOver({ now, scheduled }: SweptSecret, version: SweptVersion): Found[] {
  const { expiresAt, versionId, ordinal } = version;
  if (expiresAt === undefined) return [];
  const left = expiresAt.getTime() - now.getTime();
  const { warnMs, alarmMs } = noticeOf(version);
  if (left > (scheduled ? alarmMs : warnMs)) return [];
  const message =
    left > 0
      ? `v${ordinal} expires in ${roughly(left)}, on ${onDay(expiresAt)}`
      : `v${ordinal} expired on ${onDay(expiresAt)}, and nobody has seen it end`;
  const severity = left <= alarmMs ? 'critical' : 'warning';
  return [{ about: versionId, versionId, message, severity, evidence: { expiresAt } }];
}

const rememberedMs = 31 * day;

export const expired: Rule = {
  code: 'expired',
  find: (secret) => {
    const served = secret.versions.some(({ state }) => isUsable(state));
    return secret.versions
      .filter(({ endedCause }) => endedCause === 'expired')
      .flatMap((version) => isOver(secret, version, served));
  },
};

/** The newest that expired is what is missing where nothing is in service; the others are history. */
function isOver({ now, versions }: SweptSecret, version: SweptVersion, served: boolean): Found[] {
  const { expiresAt, versionId, ordinal } = version;
  const ago = now.getTime() - (expiresAt?.getTime() ?? 0);
  const newest = !versions.some((other) => other.ordinal > ordinal);
  const missing = newest && !served;
  if (!missing && ago > rememberedMs) return [];
  const follows = missing ? ', and nothing took its place' : '';
  const message = `v${ordinal} expired ${roughly(ago)} ago${follows}`;
  const severity = missing ? 'critical' : 'info';
  return [{ about: versionId, versionId, message, severity, evidence: { expiresAt } }];
}

export const overdue: Rule = {
  code: 'overdue',
  find: (secret) => {
    const current = currentOf(secret);
    const validityMs = secret.specification['validityMs'];
    if (secret.scheduled || current === undefined || typeof validityMs !== 'number') return [];
    const since = current.activatedAt ?? current.createdAt;
    const age = secret.now.getTime() - since.getTime();
    if (age <= validityMs) return [];
    const message = `v${current.ordinal} is ${roughly(age)} old, and was declared to live ${roughly(validityMs)}`;
    const { versionId } = current;
    return [{ about: versionId, versionId, message, evidence: { since, validityMs } }];
  },
};

/** An adopted credential is older than anybody knows. */
const patience = { adopted: 7 * day, minted: 90 * day, none: 7 * day } as const;

export const neverRotated: Rule = {
  code: 'never-rotated',
  find: (secret) => {
    const confirmed = secret.versions.filter(({ confirmedAt }) => confirmedAt !== undefined);
    if (secret.busy || confirmed.length > 1) return [];
    const [only] = confirmed;
    if (only === undefined) return unprovisioned(secret);
    const since = only.activatedAt ?? only.createdAt;
    const age = secret.now.getTime() - since.getTime();
    if (age < (only.origin === 'adopted' ? patience.adopted : patience.minted)) return [];
    const severity = only.origin === 'adopted' ? 'warning' : 'info';
    const origin = only.origin === 'adopted' ? 'was adopted' : 'was made';
    const message = `v${only.ordinal} ${origin} ${roughly(age)} ago and has never been rotated`;
    return [{ about: 'secret', message, severity, evidence: { since, origin: only.origin } }];
  },
};

function unprovisioned({ now, createdAt, versions }: SweptSecret): Found[] {
  const age = now.getTime() - createdAt.getTime();
  if (age < patience.none || versions.some(({ state }) => isUsable(state))) return [];
  const message = `it was declared ${roughly(age)} ago and has no version: rotor rotate makes the first`;
  return [{ about: 'secret', message, evidence: { declaredAt: createdAt } }];
}
