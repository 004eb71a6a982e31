/** Create never leaks: a version is named before it is minted, and found again by that name. */
import { tooShort, validityMs } from '../capacity.js';
import type { Change, Decided } from '../change.js';
import type { Facts, VersionFacts } from '../facts.js';
import type { Credential, IssuedSecret } from '../issuer.js';
import { fullName } from '../plan.js';
import { successorCandidate, versionOf } from '../progress.js';
import type { Answer } from '../run.js';
import { isUsable } from '../version.js';
import { answered, standingAnswer, asOrder, type AnswerOrder } from './standing.js';

export interface MintOrder {
  readonly kind: 'mint';
  readonly secret: IssuedSecret;
  readonly versionId: string;
  readonly tag: string;
  readonly expiresAt: Date | undefined;
  readonly effectId: string;
  readonly mark: string;
  /** Named just now: nothing with its tag can exist yet. */
  readonly fresh: boolean;
  readonly listedBefore: readonly string[] | undefined;
  /** Which of several with this tag holds the sealed value. */
  readonly mintedAs: string | undefined;
}

/** Credentials of this run that nobody may use, and whose ending was cut short. */
export interface EndFirstOrder {
  readonly kind: 'end-first';
  readonly versionIds: readonly string[];
}

export type CreateOrder = AnswerOrder | EndFirstOrder | MintOrder;

export interface NewIds {
  readonly versionId: string;
  readonly effectId: string;
  readonly mark: string;
}

/** After this many credentials whose value was lost, a person has to look. */
export const mostLostValues = 3;

export function issuedSecret(facts: Facts): IssuedSecret {
  const { secretId, specification } = facts.secret;
  return { secretId, name: fullName(facts), specification };
}

export function tagOf(facts: Facts, versionId: string): string {
  return `${facts.installationId}/${versionId}`;
}

/** Before it is minted, and before its value is known. */
export function nameVersion(versionId: string): Change {
  return {
    change: 'version-named',
    versionId,
    state: 'pending',
    origin: 'minted',
    value: 'unknown',
  };
}

export interface MadeVersion {
  readonly versionId: string;
  readonly credentialId: string;
  readonly expiresAt: Date | undefined;
}

/** The issuer has it: from here on it can be used, or ended. */
export function activate({ versionId, credentialId, expiresAt }: MadeVersion): Change {
  return {
    change: 'version-moved',
    versionId,
    from: 'pending',
    to: 'active',
    credentialId,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

export function beginCreate(facts: Facts, ids: NewIds): Decided<CreateOrder> {
  const versionIds = unendedOf(facts);
  if (versionIds.length > 0) return { result: { kind: 'end-first', versionIds }, changes: [] };
  const candidate = successorCandidate(facts, new Set(facts.run.plan?.ends ?? []));
  const answer =
    standingAnswer(facts) ??
    createdAlready(candidate) ??
    mustWait(facts) ??
    whyNotMinted(facts, candidate);
  if (answer !== undefined) return asOrder(answered(answer));
  return orderMint(facts, ids, candidate);
}

function orderMint(
  facts: Facts,
  ids: NewIds,
  candidate: VersionFacts | undefined,
): Decided<MintOrder> {
  const versionId = candidate?.versionId ?? ids.versionId;
  const named: Change[] = candidate === undefined ? [nameVersion(versionId)] : [];
  const deadline = new Date(facts.now.getTime() + facts.policy.timeouts.mintMs);
  const { effectId, mark } = ids;
  return {
    result: orderOf(facts, { versionId, effectId, mark }, candidate),
    changes: [
      ...named,
      { change: 'effect-begun', effectId, effect: 'mint', versionId, deadline },
      { change: 'probe-marked', versionId, mark },
    ],
  };
}

function unendedOf({ versions, run }: Facts): string[] {
  return versions
    .filter(({ runId, refused, state }) => runId === run.runId && refused && isUsable(state))
    .map(({ versionId }) => versionId);
}

const valueLost: Answer = {
  kind: 'blocked',
  code: 'value-lost',
  told: `the value of ${mostLostValues} new credentials was lost before it could be sealed`,
};

function whyNotMinted(facts: Facts, candidate: VersionFacts | undefined): Answer | undefined {
  if (lostValues(facts) >= mostLostValues) return valueLost;
  const short = tooShort(facts);
  if (short !== undefined) return { kind: 'blocked', ...short };
  return candidate !== undefined && mintsBlindly(facts, candidate) ? mintedUnseen : undefined;
}

const mintedUnseen: Answer = {
  kind: 'blocked',
  code: 'credential-ambiguous',
  told: 'an earlier mint may have made a credential, and the issuer lists none: remove it there, then retry',
};

/** Its answer was lost, nothing can find it, and nobody has said since then to try again. */
function mintsBlindly(
  { traits, effects, policy, run }: Facts,
  { versionId }: VersionFacts,
): boolean {
  if (traits.lists || traits.valueChosenBy === 'ours') return false;
  const begun = effects
    .filter((effect) => effect.kind === 'mint' && effect.versionId === versionId)
    .map(({ deadline }) => deadline.getTime() - policy.timeouts.mintMs);
  return begun.some((at) => at > lastRetry({ run }));
}

function lastRetry({ run }: Pick<Facts, 'run'>): number {
  const retries = run.decisions.filter(({ kind }) => kind === 'retry');
  return retries.at(-1)?.at.getTime() ?? 0;
}

function createdAlready(candidate: VersionFacts | undefined): Answer | undefined {
  if (candidate?.state !== 'active') return undefined;
  return { kind: 'done', told: `v${candidate.ordinal} is ready` };
}

/**
 * A mint that a superseded run began may still happen; only afterwards does a listing show all. While dependents are
 * without a value, a version that is known already is not waited for: what an attempt of its that hangs may still make
 * beside it is found by its tag, and nobody has its value.
 */
function mustWait(facts: Facts): Answer | undefined {
  const open = facts.effects
    .filter(({ kind, runId }) => kind === 'mint' && runId !== facts.run.runId)
    .filter(({ versionId }) => !isKnownInAnEmergency(facts, versionId))
    .map(({ deadline }) => deadline.getTime() + facts.traits.propagationMs)
    .filter((over) => over > facts.now.getTime());
  if (open.length === 0) return undefined;
  const until = new Date(Math.max(...open)).toISOString();
  return { kind: 'wait', until, told: 'an earlier run may still be minting' };
}

function isKnownInAnEmergency(facts: Facts, versionId: string): boolean {
  const { run, traits } = facts;
  if (run.kind !== 'compromise' || traits.overlap.kind !== 'many' || traits.tag === 'none')
    return false;
  return versionOf(facts, versionId)?.credentialId !== undefined;
}

/** Since somebody last said to try again. */
function lostValues(facts: Facts): number {
  const since = lastRetry(facts);
  return facts.versions.filter(
    ({ runId, state, confirmedAt, value, createdAt }) =>
      runId === facts.run.runId &&
      createdAt.getTime() > since &&
      (state === 'revoked' || state === 'ended') &&
      confirmedAt === undefined &&
      value === 'unknown',
  ).length;
}

function orderOf(facts: Facts, ids: NewIds, candidate: VersionFacts | undefined): MintOrder {
  return {
    kind: 'mint',
    secret: issuedSecret(facts),
    versionId: ids.versionId,
    tag: tagOf(facts, ids.versionId),
    expiresAt: expiryOf(facts),
    effectId: ids.effectId,
    mark: ids.mark,
    fresh: candidate === undefined,
    listedBefore: candidate?.listedBefore,
    mintedAs: candidate?.mintedAs,
  };
}

/** `validityMs` of the specification, never beyond what the issuer allows. */
function expiryOf(facts: Facts): Date | undefined {
  const validity = validityMs(facts);
  return validity === undefined ? undefined : new Date(facts.now.getTime() + validity);
}

/** Which listed credentials are the one that was ordered. Without a tag: those that were not there before. */
export function mintedAmong(
  order: Pick<MintOrder, 'versionId' | 'listedBefore'>,
  listed: readonly Credential[],
): Credential[] {
  const tagged = listed.filter(
    ({ tag }) => tag.kind === 'ours' && tag.versionId === order.versionId,
  );
  if (tagged.length > 0 || order.listedBefore === undefined) return tagged;
  const before = new Set(order.listedBefore);
  return listed.filter(({ credentialId, tag }) => tag.kind === 'none' && !before.has(credentialId));
}

export interface Created {
  readonly order: MintOrder;
  readonly credentialId: string;
  readonly expiresAt: Date | undefined;
}

export function finishCreate(
  facts: Facts,
  { order, credentialId, expiresAt }: Created,
): Decided<Answer> {
  const { versionId } = order;
  const version = facts.versions.find((v) => v.versionId === versionId);
  const told = `v${version?.ordinal ?? '?'} is ready`;
  return {
    result: { kind: 'done', told },
    changes: [
      { change: 'value-known', versionId, value: 'sealed' },
      activate({ versionId, credentialId, expiresAt }),
      { change: 'successor-chosen', versionId },
      { change: 'effect-finished', effectId: order.effectId },
    ],
  };
}

/** What differs from the specification, by name; rights that the issuer doesn't report are not judged. */
export function wrongRights(order: MintOrder, credential: Credential): string[] {
  const wrong = Object.entries(credential.rights)
    .filter(([name, value]) => {
      const wanted = order.secret.specification[name];
      return wanted !== undefined && wanted !== value;
    })
    .map(([name]) => name);
  return livesTooLong(order, credential) ? [...wrong, 'expiry'] : wrong;
}

/** Clocks differ, and an issuer may round: a day is what no policy cares about. */
const expiryToleranceMs = 86_400_000;

function livesTooLong({ expiresAt: asked }: MintOrder, { expiresAt }: Credential): boolean {
  if (asked === undefined) return false;
  return expiresAt === undefined || expiresAt.getTime() > asked.getTime() + expiryToleranceMs;
}
