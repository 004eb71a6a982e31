/** What an issuer lists, against what the registry knows: unknown ones, orphans, what is gone, and what should be. */
import type { Finding, FindingCode } from '../finding.js';
import type { Credential, IssuerTraits } from '../issuer.js';
import { isLive, isUsable } from '../version.js';
import { onDay, type SweptSecret, type SweptVersion } from './facts.js';

export const listedCodes: readonly FindingCode[] = ['unknown-credential', 'lives-after-end'];

export interface Listing {
  readonly credentials: readonly Credential[];
  readonly traits: IssuerTraits;
  /** Credentials that other secrets of the same issuer know. */
  readonly ofOthers: ReadonlySet<string>;
  /** Which of the tagged versions the registry has, of whichever secret, and of which. */
  readonly secretOf: ReadonlyMap<string, string>;
}

export interface Compared {
  readonly findings: readonly Finding[];
  /** Further credentials of one version: they become versions, and end through the gate. */
  readonly orphans: readonly Credential[];
  /** Our tag, and no row of that version. A row is there before its credential is: the registry has lost it. */
  readonly lost: readonly (Credential & { readonly versionId: string })[];
  /** Versions that the issuer does not have any more. */
  readonly gone: readonly string[];
}

export function compareListing(secret: SweptSecret, listing: Listing): Compared {
  const versions = new Map(secret.versions.map((version) => [version.credentialId, version]));
  const others = listing.credentials.filter(
    ({ credentialId }) => !versions.has(credentialId) && !listing.ofOthers.has(credentialId),
  );
  const dead = listing.credentials.flatMap(({ credentialId }) =>
    livesAfterEnd(secret, listing, versions.get(credentialId)),
  );
  const unknown = others.filter(({ tag }) => tag.kind !== 'ours').map(unknownCredential);
  return {
    findings: [...dead, ...unknown],
    orphans: others.filter((credential) => isOrphan(secret, listing, credential)),
    lost: others.flatMap((credential) => {
      const { tag } = credential;
      if (tag.kind !== 'ours' || listing.secretOf.has(tag.versionId)) return [];
      return [{ ...credential, versionId: tag.versionId }];
    }),
    gone: goneFrom(secret, listing),
  };
}

/** A version that is still named only is what the next run looks for by its tag, and adopts. */
function isOrphan(secret: SweptSecret, { secretOf }: Listing, { tag }: Credential): boolean {
  if (tag.kind !== 'ours') return false;
  if (secretOf.get(tag.versionId) !== secret.secretId) return false;
  const version = secret.versions.find(({ versionId }) => versionId === tag.versionId);
  return version?.state !== 'pending';
}

function unknownCredential({ credentialId, tag, createdAt, expiresAt }: Credential): Finding {
  const made = createdAt === undefined ? '' : `, made on ${onDay(createdAt)}`;
  const foreign = tag.kind === 'foreign';
  const whose = foreign ? "carries another installation's tag" : 'is not known to rotor';
  return {
    code: 'unknown-credential',
    about: credentialId,
    message: `${credentialId} is alive at the issuer${made}, and ${whose}`,
    severity: foreign ? 'info' : 'warning',
    evidence: { credentialId, createdAt, expiresAt },
  };
}

function livesAfterEnd(
  { now }: SweptSecret,
  { traits }: Listing,
  version: SweptVersion | undefined,
): Finding[] {
  if (version === undefined || isLive(version.state)) return [];
  const { versionId, ordinal, state, revokedAt, credentialId } = version;
  const told = (revokedAt?.getTime() ?? 0) + traits.propagationMs;
  if (told > now.getTime()) return [];
  const message = `v${ordinal} is ${state}, and the issuer lists ${credentialId ?? 'it'} as alive`;
  return [{ code: 'lives-after-end', about: versionId, versionId, message }];
}

/** What is not listed is gone; where nothing is listed, the date that the issuer gave has to do. */
function goneFrom({ now, versions }: SweptSecret, { credentials, traits }: Listing): string[] {
  const there = new Set(credentials.map(({ credentialId }) => credentialId));
  return versions
    .filter(({ state, credentialId }) => isUsable(state) && credentialId !== undefined)
    .filter(({ credentialId, activatedAt, expiresAt }) => {
      if (!traits.lists) return expiresAt !== undefined && expiresAt <= now;
      const listedBy = (activatedAt?.getTime() ?? 0) + traits.propagationMs;
      return listedBy < now.getTime() && !there.has(credentialId ?? '');
    })
    .map(({ versionId }) => versionId);
}

const fewSecrets = 5;

/** An issuer that has lost what most of its secrets have is more likely another one: a restored one, another tenant. */
export function isImplausible(answers: readonly Pick<Compared, 'gone'>[]): boolean {
  const lost = answers.filter(({ gone }) => gone.length > 0).length;
  return lost >= fewSecrets && lost * 2 > answers.length;
}
