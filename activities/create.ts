/** Makes the successor: named, minted, sealed, read back, proven by one login; then it is active. */
import { sleep } from '@temporalio/activity';
import { AdapterError } from '../domain/errors.js';
import type { Change } from '../domain/change.js';
import type { Facts } from '../domain/facts.js';
import type { Credential, Issuer } from '../domain/issuer.js';
import type { Answer } from '../domain/run.js';
import {
  activate,
  beginCreate,
  finishCreate,
  wrongRights,
  type EndFirstOrder,
  type MintOrder,
} from '../domain/steps/create.js';
import { blockedBy, hasEnded } from './failures.js';
import { makeRoom } from './make-room.js';
import { mintedBy } from './minted.js';
import { endOrphan } from './orphan.js';
import { record, type OfRun, type Ports } from './ports.js';
import { recordIfGone, revokeVersion } from './revoke.js';
import { noticeSetBack } from './set-back.js';
import { isAcceptedAgain, sealOwnValue } from './values.js';

export async function create(ports: Ports, { runId }: OfRun): Promise<Answer> {
  const ids = { versionId: ports.newId(), effectId: ports.newId(), mark: ports.newId() };
  const order = await ports.registry.decide(runId, (facts) => beginCreate(facts, ids));
  if (order.kind === 'answer') return order.answer;
  if (order.kind === 'end-first') return endFirst(ports, runId, order);
  ports.reached('create:named');
  const facts = await ports.registry.read(runId);
  const making: Making = { ports, runId, facts, order, issuer: ports.issuer(facts.secret.issuer) };
  try {
    return await make(making);
  } catch (error) {
    if (hasEnded(error)) await settle(ports, facts, order);
    return blockedBy(error, 'issuer-failed', facts.secret.issuer);
  }
}

/** The run was taken over: this attempt mints nothing more, and whoever looks for what it made need not wait for its deadline. */
async function settle({ registry, tell }: Ports, facts: Facts, order: MintOrder): Promise<void> {
  await registry.settleMint(order.effectId);
  await tell(facts.secret.secretId, { what: 'mint-settled', by: 'create' });
}

async function endFirst(
  ports: Ports,
  runId: string,
  { versionIds }: EndFirstOrder,
): Promise<Answer> {
  for (const versionId of versionIds) {
    const ended = await revokeVersion(ports, runId, versionId);
    if (ended.kind !== 'done') return ended;
  }
  return create(ports, { runId });
}

interface Making {
  readonly ports: Ports;
  readonly runId: string;
  readonly facts: Facts;
  readonly order: MintOrder;
  readonly issuer: Issuer;
}

interface Found {
  readonly credentialId: string;
  readonly expiresAt: Date | undefined;
}

async function make(making: Making): Promise<Answer> {
  const { ports, order, issuer } = making;
  if (issuer.traits.valueChosenBy === 'ours') await sealOwnValue(ports, order.versionId);
  const found = await findOrMint(making);
  if ('kind' in found) return found;
  const value = await ports.store.get(order.versionId);
  if (value === undefined) return endUnsealed(making, found);
  ports.reached('create:sealed');
  const wrong = await readBack(making, found);
  if (wrong !== undefined) return endWrong(making, found, wrong);
  return ports.registry.decide(making.runId, (facts) => finishCreate(facts, { order, ...found }));
}

async function findOrMint(making: Making): Promise<Found | Answer> {
  const { ports, runId, order, facts } = making;
  const listed = await listBefore(making);
  const unanswered = { ...order, runId, issuer: facts.secret.issuer };
  const own = order.fresh ? [] : await mintedBy(ports, unanswered, listed ?? []);
  if (own.length > 0) return chooseOne(making, own);
  await refuseSecondMint(making);
  if (order.listedBefore === undefined) await noteListed(making, listed);
  // Superseded meanwhile? Then nothing is made any more.
  const now = await ports.registry.read(runId);
  const room = await makeRoom(ports, now, listed ?? []);
  if ('kind' in room) return room;
  ports.reached('create:mint');
  const found = await mint(making);
  for (const versionId of room.displaces) await recordIfGone(ports, runId, versionId);
  return found;
}

/** The answer came and its value is sealed: what is not listed is not listed yet. */
async function refuseSecondMint({ ports, order, issuer }: Making): Promise<void> {
  if (order.fresh || issuer.traits.valueChosenBy === 'ours') return;
  if ((await ports.store.get(order.versionId)) === undefined) return;
  throw notListedYet();
}

function notListedYet(): AdapterError {
  return new AdapterError('bad-reply', 'the new credential is not listed yet');
}

async function mint({ ports, runId, order, issuer }: Making): Promise<Found> {
  const { secret, versionId, tag, expiresAt } = order;
  const value =
    issuer.traits.valueChosenBy === 'ours' ? await ports.store.get(versionId) : undefined;
  const given = value === undefined ? {} : { value };
  const minted = await issuer.mint({ secret, versionId, tag, expiresAt, ...given });
  ports.reached('create:minted');
  const { credentialId } = minted;
  if (minted.value !== undefined) await ports.store.put(versionId, minted.value);
  await record(ports, runId, [{ change: 'mint-answered', versionId, credentialId }]);
  return { credentialId, expiresAt: minted.expiresAt ?? expiresAt };
}

/** A fresh order needs no listing, unless slots or a missing tag make what is there matter. */
async function listBefore({
  ports,
  facts,
  order,
  issuer,
}: Making): Promise<readonly Credential[] | undefined> {
  const { overlap, tag, lists, propagationMs } = issuer.traits;
  const matters = overlap.kind === 'slots' || overlap.kind === 'displaces-oldest' || tag === 'none';
  if (!lists || (order.fresh && !matters)) return undefined;
  if (!order.fresh && propagationMs > 0) await sleep(propagationMs);
  const listed = await issuer.list(order.secret);
  await noticeSetBack(ports, facts, listed);
  return listed;
}

/** Without a place for a tag, what was there before tells afterwards what is new. */
async function noteListed(
  { ports, runId, order, issuer }: Making,
  listed: readonly Credential[] | undefined,
): Promise<void> {
  if (issuer.traits.tag !== 'none' || listed === undefined) return;
  const listedBefore = listed.map(({ credentialId }) => credentialId);
  const { versionId } = order;
  await record(ports, runId, [{ change: 'credential-listed', versionId, listedBefore }]);
}

/**
 * The one whose value is sealed. Of several with our tag and no value any will do: each ends. Without a
 * tag a person has to say which one is ours.
 */
async function chooseOne(making: Making, own: readonly Credential[]): Promise<Found | Answer> {
  const { ports, runId, order } = making;
  const sealed = own.find(({ credentialId }) => credentialId === order.mintedAs);
  if (sealed === undefined && order.mintedAs !== undefined) throw notListedYet();
  const [first, ...more] = own;
  const sure = more.length === 0 || own.every(({ tag }) => tag.kind === 'ours');
  const chosen = sealed ?? (sure ? first : undefined);
  if (chosen === undefined) return giveUp(making, own);
  const others = own.filter((credential) => credential !== chosen);
  for (const other of others) await endOrphan(ports, runId, other);
  const { credentialId, expiresAt } = chosen;
  return { credentialId, expiresAt };
}

/** Any of them may be somebody else's: none is ended, none is looked at again, and a person is told. */
async function giveUp(
  { ports, runId, order, issuer }: Making,
  own: readonly Credential[],
): Promise<Answer> {
  const { versionId } = order;
  const listed = await issuer.list(order.secret);
  const listedBefore = listed.map(({ credentialId }) => credentialId);
  const told = `one of these is rotor's: ${own.map(({ credentialId }) => credentialId).join(', ')}`;
  await record(ports, runId, [
    { change: 'credential-listed', versionId, listedBefore },
    {
      change: 'found',
      finding: { code: 'orphan-credential', about: versionId, versionId, message: told },
    },
  ]);
  return { kind: 'blocked', code: 'credential-ambiguous', told };
}

/** Its value was shown once and lost: it is of no use to anybody, and ends before the next is made. */
async function endUnsealed(making: Making, found: Found): Promise<Answer> {
  const { ports, runId } = making;
  const ended = await endUnused(making, found, []);
  return ended.kind === 'done' ? create(ports, { runId }) : ended;
}

/** Nobody may use it, so nobody was given it: it does not stay until a person has looked. */
async function endWrong(making: Making, found: Found, wrong: Answer): Promise<Answer> {
  const { versionId } = making.order;
  const sealed: Change = { change: 'value-known', versionId, value: 'sealed' };
  const ended = await endUnused(making, found, [sealed]);
  return ended.kind === 'done' ? wrong : ended;
}

async function endUnused(
  { ports, runId, order }: Making,
  { credentialId, expiresAt }: Found,
  known: readonly Change[],
): Promise<Answer> {
  const { versionId, effectId } = order;
  await record(ports, runId, [
    ...known,
    activate({ versionId, credentialId, expiresAt }),
    { change: 'version-refused', versionId },
    { change: 'effect-finished', effectId },
  ]);
  return revokeVersion(ports, runId, versionId);
}

async function readBack(making: Making, found: Found): Promise<Answer | undefined> {
  const { ports, order, issuer } = making;
  const { secret, versionId, tag, mark } = order;
  if (issuer.traits.lists) {
    const listed = await issuer.list(secret);
    const credential = listed.find(({ credentialId }) => credentialId === found.credentialId);
    if (credential === undefined) throw notListedYet();
    const wrong = await judge(making, credential);
    if (wrong !== undefined) return wrong;
  }
  const value = await ports.store.get(versionId);
  if (value === undefined) throw new AdapterError('value-lost', 'the sealed value is gone');
  const ref = { secret, versionId, credentialId: found.credentialId, tag };
  if (await isAcceptedAgain(issuer, { ref, value, mark })) return undefined;
  throw new AdapterError('bad-reply', 'the issuer does not accept the new credential yet');
}

async function judge(
  { ports, order, issuer }: Making,
  credential: Credential,
): Promise<Answer | undefined> {
  if (issuer.traits.tag === 'place' && credential.tag.kind !== 'ours') {
    // Sealed under our version's id, it would stand in the way of the next answer.
    if (issuer.traits.valueChosenBy === 'theirs') await ports.store.destroy(order.versionId);
    throw new AdapterError('not-ours', 'the issuer answered with a credential of somebody else');
  }
  const wrong = wrongRights(order, credential);
  if (wrong.length === 0) return undefined;
  const told = `the new credential differs from its specification in ${wrong.join(', ')}`;
  return { kind: 'blocked', code: 'wrong-rights', told };
}
