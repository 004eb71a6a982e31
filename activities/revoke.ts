/** Revokes what the plan ends: each attempt reads the issuer's use live, renews the grant, calls once, and proves it. */
import { AdapterError } from '../domain/errors.js';
import type { Facts } from '../domain/facts.js';
import type { CredentialRef, Issuer, OpenUse } from '../domain/issuer.js';
import type { Answer } from '../domain/run.js';
import {
  decideGrant,
  grantAlreadyCalled,
  recordEnded,
  recordRevoked,
  type RevokeIds,
} from '../domain/steps/revoke.js';
import {
  decideSearch,
  recordSearch,
  unansweredMints,
  wasNeverMinted,
} from '../domain/steps/unanswered.js';
import { versionsToEnd } from '../domain/steps/verify.js';
import { blockedBy } from './failures.js';
import type { OfRun, Ports } from './ports.js';
import { credentialRef, readLive } from './use.js';
import { isAccepted } from './values.js';

/** Refused this often in a row is proof. */
const proofs = 3;

export async function revoke(ports: Ports, { runId }: OfRun): Promise<Answer> {
  const settled = await settleUnanswered(ports, await ports.registry.read(runId));
  if ('kind' in settled) return settled;
  const told: string[] = [];
  for (const versionId of versionsToEnd(settled)) {
    const answer = await endVersion(ports, settled, versionId);
    if (answer.kind !== 'done') return answer;
    told.push(answer.told);
  }
  return { kind: 'done', told: told.join('; ') || 'nothing is left to revoke' };
}

/** What a mint without an answer has made becomes a version that can be ended: the facts as they are then. */
async function settleUnanswered(ports: Ports, facts: Facts): Promise<Facts | Answer> {
  const { runId } = facts.run;
  const unanswered = unansweredMints(facts);
  const issuer = ports.issuer(facts.secret.issuer);
  for (const versionId of unanswered) {
    const order = await ports.registry.decide(runId, (now) => decideSearch(now, versionId));
    if (order.kind === 'answer') return order.answer;
    const listed = issuer.traits.lists ? await issuer.list(order.secret) : undefined;
    if (wasNeverMinted(order, listed)) await ports.store.destroy(versionId);
    await ports.registry.decide(runId, (now) => recordSearch(now, order, listed));
  }
  return unanswered.length === 0 ? facts : ports.registry.read(runId);
}

interface Ending {
  readonly ports: Ports;
  readonly runId: string;
  readonly facts: Facts;
  readonly issuer: Issuer;
  readonly ref: CredentialRef;
}

export async function revokeVersion(
  ports: Ports,
  runId: string,
  versionId: string,
): Promise<Answer> {
  return endVersion(ports, await ports.registry.read(runId), versionId);
}

async function endVersion(ports: Ports, facts: Facts, versionId: string): Promise<Answer> {
  const ref = credentialRef(facts, versionId);
  if (ref === undefined) return { kind: 'done', told: 'it was never minted' };
  const { runId } = facts.run;
  const ending: Ending = { ports, runId, facts, ref, issuer: ports.issuer(facts.secret.issuer) };
  try {
    return (await resume(ending)) ?? (await revokeNow(ending));
  } catch (error) {
    return blockedBy(error, 'issuer-failed', facts.secret.issuer);
  }
}

/** Records that a version is gone where the issuer lists it no more: revoked by our call, or ended elsewhere. */
export async function recordGone(ports: Ports, runId: string, versionId: string): Promise<boolean> {
  const facts = await ports.registry.read(runId);
  const ref = credentialRef(facts, versionId);
  if (ref === undefined) return false;
  const ending = { ports, runId, facts, ref, issuer: ports.issuer(facts.secret.issuer) };
  return (await resume(ending)) !== undefined;
}

/** Gone already: by a call of ours whose answer was lost, or by somebody else's hand. */
async function resume(ending: Ending): Promise<Answer | undefined> {
  const { ports, facts, ref, runId } = ending;
  const called = grantAlreadyCalled(facts, ref.versionId);
  if (facts.run.kind === 'compromise' && called === undefined) return undefined;
  if (!ending.issuer.traits.lists || (await isListed(ending))) return undefined;
  if (called === undefined) {
    return ports.registry.decide(runId, (now) => recordEnded(now, ref.versionId));
  }
  const revoked = { versionId: ref.versionId, grantId: called.grantId, outlived: undefined };
  return ports.registry.decide(runId, (now) => recordRevoked(now, revoked));
}

async function isListed({ issuer, ref }: Ending): Promise<boolean> {
  const listed = await issuer.list(ref.secret);
  return listed.some(({ credentialId }) => credentialId === ref.credentialId);
}

async function revokeNow(ending: Ending): Promise<Answer> {
  const { ports, runId, ref, issuer } = ending;
  const live = await readLive(ports, ending.facts, ref.versionId);
  const { versionId } = ref;
  const ids = { grantId: ports.newId(), effectId: ports.newId(), mark: ports.newId() };
  const order = await ports.registry.decide(runId, (now) =>
    decideGrant(now, { versionId, live, ids }),
  );
  if (order.kind === 'answer') return order.answer;
  ports.reached('revoke:granted');
  await issuer.revoke(ref);
  ports.reached('revoke:called');
  const outlived = await endOpenUse(ending, live.openUse ?? []);
  await proveDead(ending, ids);
  ports.reached('revoke:proven');
  const revoked = { versionId, grantId: ids.grantId, outlived };
  return ports.registry.decide(runId, (now) => recordRevoked(now, revoked));
}

async function endOpenUse(
  { issuer, ref }: Ending,
  before: readonly OpenUse[],
): Promise<string | undefined> {
  const { outlives } = issuer.traits;
  if (outlives === 'nothing' || issuer.endOpenUse === undefined) return undefined;
  await issuer.endOpenUse(ref);
  const left = (await issuer.openUse?.(ref)) ?? [];
  if (left.length > 0)
    throw new AdapterError('busy', `${outlives} of the revoked credential are still open`);
  const ended = before.length === 1 ? outlives.slice(0, -1) : outlives;
  return before.length > 0 ? `${before.length} ${ended} ended` : `no ${outlives} left`;
}

/**
 * Refused in three consecutive tries, where its value is known and such tries are not taken for somebody's
 * use; gone from the list, where there is one.
 */
async function proveDead(ending: Ending, { mark }: RevokeIds): Promise<void> {
  const { ports, issuer, ref } = ending;
  const { lists, tellsProbesApart } = issuer.traits;
  const tries = tellsProbesApart || !lists;
  const value = tries ? await ports.store.get(ref.versionId) : undefined;
  for (let attempt = 1; value !== undefined && attempt <= proofs; attempt += 1) {
    if (await isAccepted(issuer, { ref, value, mark: `${mark}-${attempt}` })) {
      throw new AdapterError('busy', 'the issuer still accepts the revoked credential');
    }
  }
  if (lists && (await isListed(ending))) {
    throw new AdapterError('busy', 'the issuer still lists the revoked credential');
  }
}
