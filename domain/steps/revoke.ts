/** Revoke: a grant earned or accepted, one call, a proof; only then is a version revoked. */
import { acceptedOutages, acceptedUnseenUse } from '../acceptance.js';
import type { Change, Decided } from '../change.js';
import type { Facts, GrantFacts, VersionFacts } from '../facts.js';
import { basisOf, blockersToRevoke, grantLifeMs, type LiveReading } from '../gate.js';
import { versionOf } from '../progress.js';
import type { Answer } from '../run.js';
import { isLive } from '../version.js';
import {
  answered,
  answerTo,
  outdatedAnswer,
  standingAnswer,
  asOrder,
  type AnswerOrder,
} from './standing.js';

export interface RevokeIds {
  readonly grantId: string;
  readonly effectId: string;
  readonly mark: string;
}

export type RevokeOrder =
  | AnswerOrder
  | { readonly kind: 'revoke'; readonly version: VersionFacts; readonly ids: RevokeIds };

/** A grant to contain is not hurried: a day, or until its run ends; each attempt gets one of its own. */
const containedLifeMs = 86_400_000;

export interface GrantQuestion {
  readonly versionId: string;
  readonly live: LiveReading;
  readonly ids: RevokeIds;
}

/** Under the lock: the gate, the grant, and the note that the call is about to be made. */
export function decideGrant(
  facts: Facts,
  { versionId, live, ids }: GrantQuestion,
): Decided<RevokeOrder> {
  const version = versionOf(facts, versionId);
  if (version === undefined || !isLive(version.state)) {
    return asOrder({ result: { kind: 'done', told: 'gone already' }, changes: [] });
  }
  if (!mayEnd(facts, version)) {
    return asOrder(answered({ kind: 'replan', told: 'the plan no longer ends this version' }));
  }
  const contains = facts.run.kind === 'compromise';
  const early = contains ? undefined : (standingAnswer(facts) ?? outdatedBefore(facts));
  if (early !== undefined) return asOrder(answered(early));
  const blockers = blockersToRevoke(facts, versionId, live);
  if (blockers.length > 0) return asOrder(answerTo(blockers, ''));
  return grant(facts, version, ids);
}

/** What the plan ends, and what this run made itself and nobody may use: an attempt that was overtaken ends nothing else. */
function mayEnd({ run }: Facts, { versionId, runId, origin, refused }: VersionFacts): boolean {
  if (run.plan?.ends.includes(versionId) === true) return true;
  return refused && (runId === run.runId || origin === 'orphan');
}

function outdatedBefore(facts: Facts): Answer | undefined {
  return facts.run.plan?.direction === 'back' ? undefined : outdatedAnswer(facts);
}

function grant(facts: Facts, version: VersionFacts, ids: RevokeIds): Decided<RevokeOrder> {
  const { versionId } = version;
  const basis = basisOf(facts, versionId);
  const life = basis === 'contained' ? containedLifeMs : grantLifeMs;
  const expiresAt = new Date(facts.now.getTime() + life);
  return {
    result: { kind: 'revoke', version, ids },
    changes: [
      {
        change: 'granted',
        grantId: ids.grantId,
        versionId,
        basis,
        expiresAt,
        because: becauseOf(facts),
      },
      {
        change: 'effect-begun',
        effectId: ids.effectId,
        effect: 'revoke',
        versionId,
        deadline: expiresAt,
      },
      { change: 'probe-marked', versionId, mark: ids.mark },
      { change: 'revoke-called', grantId: ids.grantId },
    ],
  };
}

function becauseOf(facts: Facts): Record<string, unknown> {
  const { requestedBy, reason } = facts.run;
  return {
    requestedBy,
    reason,
    record: facts.record,
    acceptedOutages: acceptedOutages(facts.run),
    acceptedUnseenUse: acceptedUnseenUse(facts.run) ?? facts.policy.acceptUnseenUse,
  };
}

/** A call that was made may have worked: the issuer is read before anything is renewed. */
export function grantAlreadyCalled(facts: Facts, versionId: string): GrantFacts | undefined {
  return facts.grants.filter((g) => g.versionId === versionId && g.calledAt !== undefined).at(-1);
}

export interface Revoked {
  readonly versionId: string;
  readonly grantId: string;
  readonly outlived: string | undefined;
}

export function recordRevoked(
  facts: Facts,
  { versionId, grantId, outlived }: Revoked,
): Decided<Answer> {
  const version = versionOf(facts, versionId);
  if (version === undefined || !isLive(version.state)) {
    return { result: { kind: 'done', told: 'gone already' }, changes: [] };
  }
  const finished: Change[] = facts.effects
    .filter(({ kind, versionId: id }) => kind === 'revoke' && id === versionId)
    .map(({ effectId }) => ({ change: 'effect-finished', effectId }));
  return {
    result: { kind: 'done', told: `v${version.ordinal} is revoked and refused` },
    changes: [
      {
        change: 'version-moved',
        versionId,
        from: version.state,
        to: 'revoked',
        grantId,
        ...(outlived === undefined ? {} : { outlived }),
      },
      ...finished,
    ],
  };
}

/** Gone at the issuer without a call of ours: somebody else removed it, or it expired. */
export function recordEnded(facts: Facts, versionId: string): Decided<Answer> {
  const version = versionOf(facts, versionId);
  if (version === undefined || !isLive(version.state)) {
    return { result: { kind: 'done', told: 'gone already' }, changes: [] };
  }
  const expired = version.expiresAt !== undefined && version.expiresAt <= facts.now;
  const cause = expired ? 'expired' : 'removed-elsewhere';
  const message = `v${version.ordinal} is gone at the issuer (${cause})`;
  const code = expired ? 'expired' : 'ended-elsewhere';
  return {
    result: { kind: 'done', told: message },
    changes: [
      { change: 'version-moved', versionId, from: version.state, to: 'ended', cause },
      {
        change: 'found',
        finding: { code, about: versionId, versionId, message },
      },
    ],
  };
}

/** The same where no run is: a call of ours whose proof never came was a revoke. */
export function recordGone(facts: Facts, versionId: string): Decided<Answer> {
  const called = grantAlreadyCalled(facts, versionId);
  if (called === undefined) return recordEnded(facts, versionId);
  return recordRevoked(facts, { versionId, grantId: called.grantId, outlived: undefined });
}
