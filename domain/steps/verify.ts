/** Verify: the gate, asked until it would open; sleeping until the earliest moment it could. */
import type { Decided } from '../change.js';
import type { Facts } from '../facts.js';
import { blockersToRevoke, type LiveReading } from '../gate.js';
import { versionOf } from '../progress.js';
import type { Answer } from '../run.js';
import { isUsable } from '../version.js';
import { answered, answerTo, outdatedAnswer, standingAnswer } from './standing.js';

/** Versions that the plan ends and that are still alive, oldest first. */
export function versionsToEnd(facts: Facts): string[] {
  return (facts.run.plan?.ends ?? []).filter((versionId) => {
    const version = versionOf(facts, versionId);
    return version !== undefined && isUsable(version.state);
  });
}

export type LiveReadings = Readonly<Record<string, LiveReading>>;

const nothingRead: LiveReading = { openUse: undefined };

export function decideVerify(facts: Facts, live: LiveReadings): Decided<Answer> {
  const early = standingAnswer(facts) ?? outdatedAnswer(facts);
  if (early !== undefined) return answered(early);
  const blockers = versionsToEnd(facts).flatMap((versionId) =>
    blockersToRevoke(facts, versionId, live[versionId] ?? nothingRead),
  );
  return answerTo(blockers, 'nobody uses the old version');
}
