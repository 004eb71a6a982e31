/** Revokes what the plan ends: each attempt reads the issuer's use live, renews the grant, calls once, and proves it. */
import { AdapterError } from '../domain/errors.js';
import type { Facts } from '../domain/facts.js';
import type { CredentialRef, Issuer } from '../domain/issuer.js';
import { currentVersion } from '../domain/progress.js';
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
import { mintedBy } from './minted.js';
import { endOpenUse } from './open-use.js';
import { record, type OfRun, type Ports } from './ports.js';
import { noticeSetBack } from './set-back.js';
import { credentialRef, readLive } from './use.js';
import { isAccepted } from './values.js';

/** Refused this often in a row is proof. */
const proofs = 3;

export async function revoke(ports: Ports, { runId }: OfRun): Promise<Answer> {
  const before = await ports.registry.read(runId);
  const ended = await endAll(ports, before);
  if (ended.kind !== 'done') return ended;
  const settled = await settleUnanswered(ports, before);
  if ('kind' in settled) return settled;
  return settled === before ? ended : endAll(ports, settled);
}

/** A compromise contains whatever can be contained, and only then says what could not. */
async function endAll(ports: Ports, facts: Facts): Promise<Answer> {
  const contains = facts.run.kind === 'compromise';
  const told: string[] = [];
  const failed: (() => Answer)[] = [];
  for (const versionId of inOrder(facts)) {
    const result = await tried(() => endVersion(ports, facts, versionId));
    const answer = result.kind === 'thrown' ? undefined : result.answer;
    if (answer?.kind === 'done') told.push(answer.told);
    else if (contains) failed.push(() => outcome(result));
    else return outcome(result);
  }
  const [first] = failed;
  if (first !== undefined) return first();
  return { kind: 'done', told: told.join('; ') || 'nothing is left to revoke' };
}

type Tried =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'thrown'; readonly error: unknown };

async function tried(work: () => Promise<Answer>): Promise<Tried> {
  try {
    return { kind: 'answered', answer: await work() };
  } catch (error) {
    return { kind: 'thrown', error };
  }
}

function outcome(result: Tried): Answer {
  if (result.kind === 'thrown') throw result.error;
  return result.answer;
}

/** What leaked most surely goes first: the version in service, then the newest. */
function inOrder(facts: Facts): string[] {
  const ids = versionsToEnd(facts);
  if (facts.run.kind !== 'compromise') return ids;
  const current = currentVersion(facts)?.versionId;
  return [...ids].reverse().sort((a, b) => Number(b === current) - Number(a === current));
}

/** What a mint without an answer has made becomes a version that can be ended: the facts as they are then. */
async function settleUnanswered(ports: Ports, facts: Facts): Promise<Facts | Answer> {
  const { runId } = facts.run;
  const unanswered = unansweredMints(facts);
  const issuer = ports.issuer(facts.secret.issuer);
  for (const versionId of unanswered) {
    const order = await ports.registry.decide(runId, (now) => decideSearch(now, versionId));
    if (order.kind === 'answer') return order.answer;
    const asked = { ...order, runId, issuer: facts.secret.issuer };
    const listed = issuer.traits.lists
      ? await mintedBy(ports, asked, await issuer.list(order.secret))
      : undefined;
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
export async function recordIfGone(
  ports: Ports,
  runId: string,
  versionId: string,
): Promise<boolean> {
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
  if (!ending.issuer.traits.lists) return undefined;
  const listed = await listedIds(ending);
  if (listed.has(ref.credentialId)) return successorGone(ending, listed);
  if (called === undefined) {
    await refuseImplausible(ending, listed);
    return ports.registry.decide(runId, (now) => recordEnded(now, ref.versionId));
  }
  const outlived = await endOpenUse(ending, []);
  const revoked = { versionId: ref.versionId, grantId: called.grantId, outlived };
  return ports.registry.decide(runId, (now) => recordRevoked(now, revoked));
}

/** Whoever moved would be left with nothing: the version that they moved to is gone at the issuer. */
async function successorGone(
  ending: Ending,
  listed: ReadonlySet<string>,
): Promise<Answer | undefined> {
  const { ports, facts, runId } = ending;
  const successor = successorOf(facts);
  if (facts.run.kind === 'compromise' || successor === undefined) return undefined;
  if (listed.has(successor.credentialId)) return undefined;
  if (await works(ending, successor))
    throw new AdapterError('bad-reply', 'the version to move to works, and is not listed');
  await ports.registry.decide(runId, (now) => recordEnded(now, successor.versionId));
  return { kind: 'replan', told: 'the version to move to is gone at the issuer' };
}

function successorOf(facts: Facts): CredentialRef | undefined {
  const towards = facts.run.plan?.towards;
  return towards === undefined ? undefined : credentialRef(facts, towards);
}

/** Nobody of rotor's ended it: a listing that leaves out what works is no listing to go by. */
async function refuseImplausible(ending: Ending, listed: ReadonlySet<string>): Promise<void> {
  const { facts, ref, issuer } = ending;
  const successor = successorOf(facts);
  const leftOut = [
    ...(issuer.traits.tellsProbesApart ? [ref] : []),
    ...(successor === undefined || listed.has(successor.credentialId) ? [] : [successor]),
  ];
  for (const one of leftOut)
    if (await works(ending, one))
      throw new AdapterError('bad-reply', 'the issuer does not list a credential that works');
}

/** A listing alone is no proof that something in service is gone. */
async function works({ ports, runId, issuer }: Ending, ref: CredentialRef): Promise<boolean> {
  const { versionId } = ref;
  const value = await ports.store.get(versionId);
  if (value === undefined) return false;
  const mark = ports.newId();
  await record(ports, runId, [{ change: 'probe-marked', versionId, mark }]);
  return isAccepted(issuer, { ref, value, mark });
}

async function listedIds({ ports, facts, issuer, ref }: Ending): Promise<ReadonlySet<string>> {
  const listed = await issuer.list(ref.secret);
  await noticeSetBack(ports, facts, listed);
  return new Set(listed.map(({ credentialId }) => credentialId));
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
  if (lists && (await listedIds(ending)).has(ref.credentialId)) {
    throw new AdapterError('busy', 'the issuer still lists the revoked credential');
  }
}
