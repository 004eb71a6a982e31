/** Containing without rotor's own parts: what is known of a secret beforehand, what is ended at its issuer, what is asked for afterwards. */
import { RotorError } from './errors.js';
import type { RunOptions } from './facts.js';
import type { Credential } from './issuer.js';
import type { SecretName } from './registry.js';
import { isLive, type VersionOrigin, type VersionState } from './version.js';

export interface KnownVersion {
  readonly versionId: string;
  readonly ordinal: number;
  readonly state: VersionState;
  readonly current: boolean;
  readonly origin: VersionOrigin;
  /** Undefined: named, and not answered by the issuer yet. */
  readonly credentialId?: string | undefined;
}

/** Who breaks, and whom to tell. */
export interface KnownDependent {
  readonly name: string;
  readonly owner: string;
  readonly connector: string;
  readonly destination: string;
}

/** All that containing needs of a secret. Holds no value. */
export interface KnownSecret {
  readonly secretId: string;
  readonly organization: string;
  readonly name: string;
  readonly owner: string;
  readonly issuer: string;
  readonly specification: Readonly<Record<string, unknown>>;
  readonly versions: readonly KnownVersion[];
  readonly dependents: readonly KnownDependent[];
}

/** `all`: every live version, those too that were minted since anybody wrote down what there is. */
export type DirectScope = 'all' | { readonly ordinal: number };

/** A credential that is to end. */
export interface Target {
  readonly credentialId: string;
  /** Undefined for what the inventory does not know by number. */
  readonly ordinal?: number | undefined;
  readonly versionId: string;
  readonly current: boolean;
  /** What it must carry; undefined where rotor did not make it. */
  readonly tag?: string | undefined;
}

export interface Looked {
  readonly installationId: string;
  readonly scope: DirectScope;
  /** Undefined where the issuer did not say. */
  readonly listed: readonly Credential[] | undefined;
}

/** The version in service first, then the newest. */
export function targetsOf(known: KnownSecret, { installationId, scope, listed }: Looked): Target[] {
  const tagOf = (versionId: string): string => `${installationId}/${versionId}`;
  const ours = taggedOurs(listed ?? []);
  const found = wanted(known, scope).flatMap((version): Target[] => {
    const { versionId, ordinal, current, origin } = version;
    const tag = origin === 'minted' ? tagOf(versionId) : undefined;
    return credentialsOf(version, ours).map((credentialId) => ({
      credentialId,
      ordinal,
      versionId,
      current,
      tag,
    }));
  });
  const ids = new Set(found.map(({ credentialId }) => credentialId));
  const since = scope === 'all' ? ours : [];
  const minted = since
    .filter(({ credentialId }) => !ids.has(credentialId))
    .map((made) => ({ ...made, current: false, tag: tagOf(made.versionId) }));
  return [...found.sort(mostSurely), ...minted];
}

function mostSurely(a: Target, b: Target): number {
  return Number(b.current) - Number(a.current) || (b.ordinal ?? 0) - (a.ordinal ?? 0);
}

/** A mint that was repeated has made two of one version: both end. */
function credentialsOf(
  { versionId, credentialId: known }: KnownVersion,
  ours: readonly TaggedCredential[],
): string[] {
  const tagged = ours
    .filter((made) => made.versionId === versionId)
    .map(({ credentialId }) => credentialId);
  return [...new Set(known === undefined ? tagged : [known, ...tagged])];
}

interface TaggedCredential {
  readonly versionId: string;
  readonly credentialId: string;
}

function taggedOurs(listed: readonly Credential[]): TaggedCredential[] {
  return listed.flatMap(({ tag, credentialId }) =>
    tag.kind === 'ours' ? [{ versionId: tag.versionId, credentialId }] : [],
  );
}

function wanted({ versions }: KnownSecret, scope: DirectScope): readonly KnownVersion[] {
  const live = versions.filter(({ state }) => isLive(state));
  if (scope === 'all') return live;
  const named = live.filter(({ ordinal }) => ordinal === scope.ordinal);
  if (named.length > 0) return named;
  const known = live.map(({ ordinal }) => `v${ordinal}`).join(', ') || 'none';
  throw new RotorError('no-such-version', `the inventory knows no live v${scope.ordinal}`, {
    kind: 'missing',
    hint: `it knows ${known}; --version all also ends what was minted since it was written`,
  });
}

/** Of the same principal, and left alone: somebody else's, or nobody's that rotor knows. */
export function leftAlone(
  listed: readonly Credential[],
  targets: readonly Pick<Target, 'credentialId'>[],
): string[] {
  const ending = new Set(targets.map(({ credentialId }) => credentialId));
  return listed.map(({ credentialId }) => credentialId).filter((id) => !ending.has(id));
}

/** As a journal tells it. */
export interface Containment extends SecretName {
  readonly containmentId: string;
  readonly secretId: string;
  readonly reason: string;
  /** The name that somebody gave who was not authenticated. */
  readonly by: string;
  readonly account: string;
  readonly host: string;
  /** Undefined: all that lives. */
  readonly versionIds: readonly string[] | undefined;
  readonly begunAt: string;
  /** Of its last line. */
  readonly lastAt: string;
  readonly credentials: readonly ContainedCredential[];
}

export interface ContainedCredential {
  readonly credentialId: string;
  readonly versionId: string;
  /** `called`: nobody knows whether the issuer did it. */
  readonly outcome: 'called' | 'gone' | 'failed';
  readonly code?: string | undefined;
}

/** What is asked for once rotor is back: one compromise for each secret, however often it was contained. */
export interface DirectRequest extends SecretName {
  readonly secretId: string;
  readonly by: string;
  readonly actor: string;
  readonly reason: string;
  readonly options: RunOptions;
  readonly idempotencyKey: string;
  readonly containments: readonly Containment[];
}

/** The same containments always give the same requests. */
export function requestsOf(containments: readonly Containment[]): DirectRequest[] {
  const bySecret = new Map<string, Containment[]>();
  for (const one of containments)
    bySecret.set(one.secretId, [...(bySecret.get(one.secretId) ?? []), one]);
  return [...bySecret.values()].flatMap((those) => {
    const inOrder = [...those].sort(byBeginning);
    const newest = inOrder.at(-1);
    return newest === undefined ? [] : [requestOf(newest, inOrder)];
  });
}

function byBeginning(a: Containment, b: Containment): number {
  return `${a.begunAt} ${a.containmentId}` < `${b.begunAt} ${b.containmentId}` ? -1 : 1;
}

/** In the name of whoever did it first: who said it again may have found everything done. */
function requestOf(newest: Containment, containments: readonly Containment[]): DirectRequest {
  const { containmentId, organization, secret, secretId } = newest;
  const { by, account, host, reason } = containments[0] ?? newest;
  return {
    organization,
    secret,
    secretId,
    by,
    actor: `${by} (directly, as ${account} on ${host}, not authenticated)`.slice(0, 200),
    reason,
    options: optionsOf(containments),
    idempotencyKey: `direct:${containmentId}`,
    containments,
  };
}

/** What was minted after the last of them is sound, whatever the clocks say of what they ended. */
function optionsOf(containments: readonly Containment[]): RunOptions {
  const named = containments.flatMap(({ versionIds }) => versionIds ?? []);
  if (containments.every(({ versionIds }) => versionIds !== undefined))
    return { versionIds: [...new Set(named)] };
  const ended = containments.flatMap(({ credentials }) =>
    credentials.map(({ versionId }) => versionId),
  );
  const [latest = ''] = containments
    .map(({ lastAt }) => lastAt)
    .sort()
    .reverse();
  return { leakedBefore: latest, alsoVersionIds: [...new Set([...named, ...ended])] };
}
