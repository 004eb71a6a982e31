/** Room for one more credential: where there is none, a mint is refused, or it is a revocation and needs a grant. */
import { acceptCommand, isAcceptedDependent } from '../acceptance.js';
import type { Decided } from '../change.js';
import type { Facts } from '../facts.js';
import type { Credential } from '../issuer.js';
import type { Answer } from '../run.js';
import { fullName } from '../plan.js';
import { currentVersion } from '../progress.js';
import { answered, asOrder } from './standing.js';
import { decideGrant, type GrantQuestion, type RevokeOrder } from './revoke.js';

interface NoRoom {
  readonly kind: 'blocked';
  readonly code: 'no-free-slot';
  readonly told: string;
}

export type Room =
  | { readonly kind: 'free' }
  | { readonly kind: 'full'; readonly answer: NoRoom }
  /** The mint would kill this version: only with a grant for that. */
  | { readonly kind: 'displaces'; readonly versionId: string };

/** Whether the issuer's slots leave room. Foreign credentials take slots too. */
export function roomFor(facts: Facts, listed: readonly Credential[]): Room {
  const { overlap } = facts.traits;
  if (overlap.kind !== 'slots' && overlap.kind !== 'displaces-oldest') return { kind: 'free' };
  if (listed.length < overlap.slots) return { kind: 'free' };
  const names = listed.map((one) => nameOfListed(facts, one)).join(', ');
  if (overlap.kind === 'slots')
    return full(`all ${overlap.slots} slots are taken: ${names}. ${whichGoesFirst(facts, listed)}`);
  const oldest = oldestOf(listed);
  if (oldest === undefined) return full(`another mint would kill the oldest of: ${names}`);
  const known = facts.versions.find((version) => version.credentialId === oldest.credentialId);
  if (known !== undefined) return { kind: 'displaces', versionId: known.versionId };
  return full(
    `another mint would kill ${oldest.credentialId}, which rotor does not know: adopt it, or remove it there`,
  );
}

/** As people know it: by its version, or as nobody's. */
export function nameOfListed({ versions }: Facts, { credentialId }: Credential): string {
  const known = versions.find((version) => version.credentialId === credentialId);
  return known === undefined ? `${credentialId} (not rotor's)` : `v${known.ordinal}`;
}

/** The oldest of rotor's own that is not in service; otherwise one that rotor does not know. */
function whichGoesFirst(facts: Facts, listed: readonly Credential[]): string {
  const ids = new Set(listed.map(({ credentialId }) => credentialId));
  const there = facts.versions.filter((one) => ids.has(one.credentialId ?? ''));
  const inService = currentVersion(facts)?.versionId;
  const [oldest] = there
    .filter(({ versionId }) => versionId !== inService)
    .sort((a, b) => a.ordinal - b.ordinal);
  if (oldest !== undefined)
    return `First v${oldest.ordinal} has to go: rotor revoke ${fullName(facts)} --version v${oldest.ordinal}`;
  const foreign = listed.find((one) => !there.some((v) => v.credentialId === one.credentialId));
  if (foreign === undefined) return 'First one of them has to go';
  const { credentialId } = foreign;
  const adopt = `rotor adopt ${fullName(facts)} --credential ${credentialId}`;
  return `First ${credentialId} has to go: remove it there if nobody needs it, or ${adopt}, and rotor revoke ends it once it is unused`;
}

function full(told: string): Room {
  return { kind: 'full', answer: { kind: 'blocked', code: 'no-free-slot', told } };
}

/** Undefined where the issuer does not say of each when it was made: then nobody knows which one would go. */
function oldestOf(listed: readonly Credential[]): Credential | undefined {
  const made = listed.flatMap((one) => (one.createdAt === undefined ? [] : [one.createdAt]));
  if (made.length < listed.length) return undefined;
  const first = Math.min(...made.map((at) => at.getTime()));
  return listed.find(({ createdAt }) => createdAt?.getTime() === first);
}

/** The gate for what a mint displaces: asked as if it were revoked for its own sake, without a successor. */
export function decideDisplacement(facts: Facts, question: GrantQuestion): Decided<RevokeOrder> {
  const { kind, plan } = facts.run;
  if (kind === 'compromise' && plan?.ends.includes(question.versionId) === true)
    return decideGrant(facts, question);
  const held = heldByDependents(facts, question.versionId);
  return held === undefined
    ? decideGrant(withoutSuccessor(facts, question.versionId), question)
    : asOrder(answered(held));
}

/** The version in service is what destinations hold: a dependent that only rests for a while would break too. */
function heldByDependents(facts: Facts, versionId: string): Answer | undefined {
  if (currentVersion(facts)?.versionId !== versionId) return undefined;
  const names = facts.dependencies.map(({ dependent }) => dependent);
  const breaking = names.filter((name) => !isAcceptedDependent(facts.run, name));
  if (breaking.length === 0) return undefined;
  const accept = acceptCommand(facts, 'accept-outage --dependent NAME');
  const told = `another mint would kill the version in service, which breaks ${breaking.join(', ')}. If that may break: ${accept}`;
  return { kind: 'blocked', code: 'breaks-dependents', told };
}

function withoutSuccessor(facts: Facts, versionId: string): Facts {
  const { plan } = facts.run;
  if (plan === undefined) return { ...facts, run: { ...facts.run, kind: 'revoke' } };
  const ends = [...new Set([...plan.ends, versionId])];
  const alone = { ...plan, ends, towards: undefined, direction: 'forward' } as const;
  return { ...facts, run: { ...facts.run, kind: 'revoke', plan: alone } };
}
