/** A mint whose answer never came may have made a credential: a run that turns around does not leave it behind. */
import type { Change, Decided } from '../change.js';
import type { EffectFacts, Facts } from '../facts.js';
import type { Credential, IssuedSecret } from '../issuer.js';
import type { Answer } from '../run.js';
import { activate, issuedSecret, mintedAmong } from './create.js';
import { answered, asOrder, type AnswerOrder } from './standing.js';

export interface SearchOrder {
  readonly kind: 'search';
  readonly secret: IssuedSecret;
  readonly versionId: string;
  readonly listedBefore: readonly string[] | undefined;
}

/** Versions of the plan that were named and ordered, and of which nobody knows whether they exist. */
export function unansweredMints(facts: Facts): string[] {
  return facts.versions
    .filter(
      ({ versionId, state }) => state === 'pending' && facts.run.plan?.ends.includes(versionId),
    )
    .filter(({ versionId }) => openMints(facts, versionId).length > 0)
    .map(({ versionId }) => versionId);
}

export function openMints({ effects }: Facts, versionId: string): EffectFacts[] {
  return effects.filter((e) => e.kind === 'mint' && e.versionId === versionId && !e.finished);
}

/** Only once the last call is over and the issuer has told everybody does a listing show all. */
export function decideSearch(facts: Facts, versionId: string): Decided<AnswerOrder | SearchOrder> {
  const deadlines = openMints(facts, versionId).map(({ deadline }) => deadline.getTime());
  const over = Math.max(0, ...deadlines) + facts.traits.propagationMs;
  if (over > facts.now.getTime()) {
    const told = 'a mint may still be under way';
    return asOrder(answered({ kind: 'wait', until: new Date(over).toISOString(), told }));
  }
  const version = facts.versions.find((v) => v.versionId === versionId);
  const { listedBefore } = version ?? {};
  return {
    result: { kind: 'search', secret: issuedSecret(facts), versionId, listedBefore },
    changes: [],
  };
}

/** Whether the issuer's own word is that the mint never happened. */
export function wasNeverMinted(
  order: SearchOrder,
  listed: readonly Credential[] | undefined,
): boolean {
  return listed !== undefined && mintedAmong(order, listed).length === 0;
}

/** What was found becomes the version's credential, which nobody may adopt; what was not found never was. */
export function recordSearch(
  facts: Facts,
  order: SearchOrder,
  listed: readonly Credential[] | undefined,
): Decided<Answer> {
  const { versionId } = order;
  const [credential, ...more] = mintedAmong(order, listed ?? []);
  const finished = openMints(facts, versionId).map(({ effectId }): Change => ({
    change: 'effect-finished',
    effectId,
  }));
  if (listed === undefined || more.length > 0) {
    const message = 'a mint was never answered: what it may have made has to be found by a person';
    const finding = { code: 'orphan-credential' as const, about: versionId, versionId, message };
    return {
      result: { kind: 'done', told: message },
      changes: [{ change: 'found', finding }, ...finished],
    };
  }
  if (credential === undefined) {
    const ended: Change = {
      change: 'version-moved',
      versionId,
      from: 'pending',
      to: 'ended',
      cause: 'never-minted',
    };
    return { result: { kind: 'done', told: 'it was never minted' }, changes: [...finished, ended] };
  }
  const { credentialId, expiresAt } = credential;
  const moved = activate({ versionId, credentialId, expiresAt });
  return {
    result: { kind: 'done', told: 'it was minted, and ends' },
    changes: [moved, { change: 'version-refused', versionId }, ...finished],
  };
}
