/** Where an issuer holds one value: the next one is sealed first, then mint and revoke are one effect. */
import { acceptedOutages } from '../acceptance.js';
import type { Change, Decided } from '../change.js';
import type { Facts, VersionFacts } from '../facts.js';
import { blockersToCutOver, grantLifeMs } from '../gate.js';
import { liveVersions, successorCandidate } from '../progress.js';
import type { Answer } from '../run.js';
import { isUsable } from '../version.js';
import { activate, issuedSecret, nameVersion, tagOf, type NewIds } from './create.js';
import { answered, answerTo, standingAnswer, asOrder, type AnswerOrder } from './standing.js';
import type { IssuedSecret } from '../issuer.js';

/** Names the next version; its value is sealed by the caller before anything else happens. */
export function decidePrepare(
  facts: Facts,
  versionId: string,
): Decided<Answer & { versionId?: string }> {
  const standing = standingAnswer(facts);
  if (standing !== undefined) return answered(standing);
  const next = successorCandidate(facts, ending(facts));
  if (next !== undefined) {
    return {
      result: { kind: 'done', told: `v${next.ordinal} is prepared`, versionId: next.versionId },
      changes: [],
    };
  }
  return {
    result: { kind: 'done', told: 'the next value is sealed', versionId },
    changes: [nameVersion(versionId)],
  };
}

function ending(facts: Facts): ReadonlySet<string> {
  return new Set(facts.run.plan?.ends ?? []);
}

export interface CutoverOrder {
  readonly kind: 'cutover';
  readonly secret: IssuedSecret;
  readonly versionId: string;
  readonly tag: string;
  readonly effectId: string;
  readonly mark: string;
  /** What the new value displaces, each with the grant for it. */
  readonly displaced: readonly { readonly versionId: string; readonly grantId: string }[];
}

export interface CutoverIds extends NewIds {
  newGrantId(): string;
}

export function decideCutover(facts: Facts, ids: CutoverIds): Decided<AnswerOrder | CutoverOrder> {
  const next = successorCandidate(facts, ending(facts));
  const answer = standingAnswer(facts) ?? doneAlready(next);
  if (answer !== undefined) return asOrder(answered(answer));
  const old = liveVersions(facts).filter(
    (v) => v.versionId !== next?.versionId && isUsable(v.state),
  );
  const blockers = old.flatMap(({ versionId }) => blockersToCutOver(facts, versionId));
  if (blockers.length > 0) return asOrder(answerTo(blockers, ''));
  return order(facts, { next, old, ids });
}

function doneAlready(next: VersionFacts | undefined): Answer | undefined {
  return next?.state === 'active'
    ? { kind: 'done', told: `v${next.ordinal} is in place` }
    : undefined;
}

interface Cut {
  readonly next: VersionFacts | undefined;
  readonly old: readonly VersionFacts[];
  readonly ids: CutoverIds;
}

function order(facts: Facts, { next, old, ids }: Cut): Decided<CutoverOrder> {
  const versionId = next?.versionId ?? ids.versionId;
  const displaced = old.map((v) => ({ versionId: v.versionId, grantId: ids.newGrantId() }));
  const deadline = new Date(facts.now.getTime() + facts.policy.timeouts.mintMs);
  const named: Change[] = next === undefined ? [nameVersion(versionId)] : [];
  return {
    result: {
      kind: 'cutover',
      secret: issuedSecret(facts),
      versionId,
      tag: tagOf(facts, versionId),
      effectId: ids.effectId,
      mark: ids.mark,
      displaced,
    },
    changes: [
      ...named,
      ...displaced.flatMap((grant) => grantOf(facts, grant)),
      { change: 'effect-begun', effectId: ids.effectId, effect: 'mint', versionId, deadline },
      { change: 'probe-marked', versionId, mark: ids.mark },
    ],
  };
}

function grantOf(
  facts: Facts,
  { versionId, grantId }: { versionId: string; grantId: string },
): Change[] {
  const { requestedBy, reason, kind } = facts.run;
  return [
    {
      change: 'granted',
      grantId,
      versionId,
      basis: kind === 'compromise' ? 'contained' : 'accepted-outage',
      expiresAt: new Date(facts.now.getTime() + grantLifeMs),
      because: { requestedBy, reason, acceptedOutages: acceptedOutages(facts.run) },
    },
    { change: 'revoke-called', grantId },
  ];
}

export function finishCutover(
  facts: Facts,
  { order: done, credentialId }: { order: CutoverOrder; credentialId: string },
): Decided<Answer> {
  const { versionId } = done;
  const dead: Change[] = done.displaced.flatMap(({ versionId: id, grantId }) => {
    const version = facts.versions.find((v) => v.versionId === id);
    return version === undefined || !isUsable(version.state)
      ? []
      : [{ change: 'version-moved', versionId: id, from: version.state, to: 'revoked', grantId }];
  });
  return {
    result: { kind: 'done', told: 'the new value is in place, the old one is refused' },
    changes: [
      { change: 'value-known', versionId, value: 'sealed' },
      activate({ versionId, credentialId, expiresAt: undefined }),
      { change: 'successor-chosen', versionId },
      ...dead,
      { change: 'effect-finished', effectId: done.effectId },
    ],
  };
}
