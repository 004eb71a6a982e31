/** Room for one more credential: where there is none, a mint is refused, or it is a revocation and needs a grant. */
import { acceptCommand, isAcceptedDependent } from '../acceptance.js';
import type { Decided } from '../change.js';
import type { Facts } from '../facts.js';
import type { Credential } from '../issuer.js';
import type { Answer } from '../run.js';
import { currentVersion } from '../progress.js';
import { answered, asOrder } from './standing.js';
import { decideGrant, type GrantQuestion, type RevokeOrder } from './revoke.js';

export type Room =
  | { readonly kind: 'free' }
  | { readonly kind: 'full'; readonly answer: Answer }
  /** The mint would kill this version: only with a grant for that. */
  | { readonly kind: 'displaces'; readonly versionId: string };

/** Whether the issuer's slots leave room. Foreign credentials take slots too. */
export function roomFor(facts: Facts, listed: readonly Credential[]): Room {
  const { overlap } = facts.traits;
  if (overlap.kind !== 'slots' && overlap.kind !== 'displaces-oldest') return { kind: 'free' };
  if (listed.length < overlap.slots) return { kind: 'free' };
  const names = listed.map(({ credentialId }) => credentialId).join(', ');
  if (overlap.kind === 'slots') return full(`all ${overlap.slots} slots are taken: ${names}`);
  const oldest = oldestOf(listed);
  if (oldest === undefined) return full(`another mint would kill the oldest of: ${names}`);
  const known = facts.versions.find((version) => version.credentialId === oldest.credentialId);
  if (known !== undefined) return { kind: 'displaces', versionId: known.versionId };
  return full(
    `another mint would kill ${oldest.credentialId}, which rotor does not know: adopt it, or remove it there`,
  );
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
