/** Disable: a reversible refusal before the permanent one, held as a lease that ends by itself if rotor stops. */
import type { Change, Decided } from '../change.js';
import type { Facts, VersionFacts } from '../facts.js';
import { versionOf } from '../progress.js';
import type { Answer } from '../run.js';
import {
  answered,
  answerTo,
  outdatedAnswer,
  standingAnswer,
  asOrder,
  type AnswerOrder,
} from './standing.js';
import { blockersToRevoke } from '../gate.js';
import { byIssuer, disableLeaseMs, openDisablings, stragglers } from '../stragglers.js';
import { outsideWindow } from './window.js';
import { versionsToEnd } from './verify.js';

/** A straggler may bring a version back this often; then a person has to look. */
export const mostBroughtBack = 2;

export type DisableOrder =
  | AnswerOrder
  | {
      readonly kind: 'disable';
      readonly versionId: string;
      readonly until: Date;
      /** The same moment by the issuer's clock. */
      readonly issuerUntil: Date;
      readonly at: Date;
      readonly effectId: string;
    }
  | { readonly kind: 'bring-back'; readonly versionId: string };

export function decideDisable(facts: Facts, effectId: string): Decided<DisableOrder> {
  const early = standingAnswer(facts) ?? outdatedAnswer(facts);
  if (early !== undefined) return asOrder(answered(early));
  const versions = versionsToEnd(facts).flatMap((id) => versionOf(facts, id) ?? []);
  const tried = versions.find((version) => stragglers(facts, version).length > 0);
  if (tried !== undefined)
    return { result: { kind: 'bring-back', versionId: tried.versionId }, changes: [] };
  const stubborn = versions.find(({ broughtBack }) => broughtBack >= mostBroughtBack);
  if (stubborn !== undefined) return asOrder(answered(stragglerPersists(stubborn)));
  const next = versions.find((version) => !isDisabledNow(facts, version));
  if (next !== undefined) return beginDisable(facts, next, effectId);
  return asOrder(waitedLongEnough(facts, versions));
}

function stragglerPersists({ ordinal, broughtBack }: VersionFacts): Answer {
  return {
    kind: 'blocked',
    code: 'straggler-persists',
    told: `v${ordinal} was needed again ${broughtBack} times after it was disabled`,
  };
}

/** A lease from now on: by our clock for the registry, by the issuer's for its call. */
export function newLease(facts: Facts): { readonly until: Date; readonly issuerUntil: Date } {
  const until = new Date(facts.now.getTime() + disableLeaseMs);
  return { until, issuerUntil: byIssuer(facts, until) };
}

/** False where the version is not disabled any more: whoever renewed it has to enable it again. */
export function finishRenewal(facts: Facts, versionId: string, until: Date): Decided<boolean> {
  if (versionOf(facts, versionId)?.state !== 'disabled') return { result: false, changes: [] };
  return { result: true, changes: [{ change: 'disable-renewed', versionId, until }] };
}

function isDisabledNow(facts: Facts, version: VersionFacts): boolean {
  if (version.state !== 'disabled') return false;
  if (facts.traits.disable === 'manual') return true;
  return version.disabledUntil !== undefined && version.disabledUntil > facts.now;
}

/** Asked again under the lock: between verify and here somebody may have come back. */
function beginDisable(
  facts: Facts,
  version: VersionFacts,
  effectId: string,
): Decided<DisableOrder> {
  const blockers = blockersToRevoke(facts, version.versionId, { openUse: undefined });
  if (blockers.length > 0) return asOrder(answerTo(blockers, ''));
  const { versionId } = version;
  const lease = newLease(facts);
  const retire: Change[] =
    version.state === 'active'
      ? [{ change: 'version-moved', versionId, from: 'active', to: 'retiring' }]
      : [];
  return {
    result: { kind: 'disable', versionId, ...lease, at: facts.now, effectId },
    changes: [
      ...retire,
      { change: 'effect-begun', effectId, effect: 'disable', versionId, deadline: lease.until },
    ],
  };
}

export function finishDisable(
  facts: Facts,
  order: Extract<DisableOrder, { kind: 'disable' }>,
): Decided<Answer> {
  const { versionId, until, at } = order;
  const again = versionOf(facts, versionId)?.state === 'disabled';
  const end = new Date(at.getTime() + facts.policy.disablePeriodMs);
  const told = 'the old version is refused, reversibly';
  const back: Change[] = again
    ? [{ change: 'version-moved', versionId, from: 'disabled', to: 'retiring' }]
    : [];
  return answered({ kind: 'wait', until: end.toISOString(), told }, [
    ...back,
    {
      change: 'version-moved',
      versionId,
      from: 'retiring',
      to: 'disabled',
      disabledUntil: until,
      disabledAt: at,
    },
    ...settledDisablings(facts, versionId),
  ]);
}

function waitedLongEnough(facts: Facts, versions: readonly VersionFacts[]): Decided<Answer> {
  const since = Math.max(0, ...versions.map(({ disabledAt }) => disabledAt?.getTime() ?? 0));
  const end = since + facts.policy.disablePeriodMs;
  const isOver = facts.now.getTime() >= end && isWatchedThrough(facts, end);
  if (versions.length === 0 || isOver) {
    // Watched until it can be revoked: whoever still needs it gets it back.
    const told = facts.traits.seesRefusals
      ? 'nobody tried the disabled version'
      : 'nobody asked for the disabled version back';
    return answerTo(outsideWindow(facts), told);
  }
  const until = new Date(Math.max(end, facts.now.getTime() + 1)).toISOString();
  return answered({ kind: 'wait', until, told: 'the old version is refused, reversibly' });
}

/** Where refusals are not seen, there is nothing to wait for but the time. */
function isWatchedThrough({ traits, record }: Facts, end: number): boolean {
  if (!traits.seesRefusals) return true;
  return (record?.completeThrough.getTime() ?? 0) - (record?.skewMs ?? 0) >= end;
}

export function broughtBack(facts: Facts, versionId: string): Decided<Answer> {
  const version = versionOf(facts, versionId);
  if (version === undefined)
    return { result: { kind: 'replan', told: 'it works again' }, changes: [] };
  const names = stragglers(facts, version);
  const who = names.join('; ');
  const told =
    names.length > 0 ? `v${version.ordinal} is still needed by ${who}` : 'it works again';
  const found: Change[] = names.map((about) => ({
    change: 'found',
    finding: {
      code: 'straggler',
      about: `${versionId} ${about}`,
      versionId,
      message: `v${version.ordinal} was disabled, tried by ${about}, and enabled again`,
    },
  }));
  return {
    result: { kind: 'replan', told },
    changes: [
      ...worksAgain(version, names.length > 0),
      ...settledDisablings(facts, versionId),
      ...found,
    ],
  };
}

function worksAgain({ state, versionId }: VersionFacts, broughtBack: boolean): Change[] {
  if (state !== 'disabled') return [];
  return [{ change: 'version-moved', versionId, from: 'disabled', to: 'retiring', broughtBack }];
}

/** A disabling that was begun and never recorded is settled by enabling, or by disabling once more. */
function settledDisablings(facts: Facts, versionId: string): Change[] {
  return openDisablings(facts, versionId).map(({ effectId }) => ({
    change: 'effect-finished',
    effectId,
  }));
}
