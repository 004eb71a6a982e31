/** When findings that runs and collectors raised are over, by the facts. */
import { isLive } from '../version.js';
import { currentOf, day, type OpenFinding, type SweptSecret } from './facts.js';
import type { Settling } from './rule.js';

/** What happened once and not again since is over after this. */
export const rememberedMs = 31 * day;

function isPast({ lastAt }: OpenFinding, { now }: SweptSecret): boolean {
  return now.getTime() - lastAt.getTime() > rememberedMs;
}

function isDead({ versionId }: OpenFinding, { versions }: SweptSecret): boolean {
  const version = versions.find((one) => one.versionId === versionId);
  return version !== undefined && !isLive(version.state);
}

/** Rolled back to, it is the right one again. */
function isDeadOrCurrent(finding: OpenFinding, secret: SweptSecret): boolean {
  return isDead(finding, secret) || currentOf(secret)?.versionId === finding.versionId;
}

/** What was adopted may be as old as what leaked. */
function isContained({ firstAt }: OpenFinding, { versions }: SweptSecret): boolean {
  return versions
    .filter(({ state }) => isLive(state))
    .every(({ origin, createdAt }) => origin === 'minted' && createdAt > firstAt);
}

/** Of a copy: whether it is still there, the next discovery says. */
export function isDeadOrDeclared(finding: OpenFinding, secret: SweptSecret): boolean {
  const { about, versionId = '' } = finding;
  const isAbout = ({ identity }: { identity: string }): boolean =>
    about === `${versionId} ${identity}`;
  return isDead(finding, secret) || secret.dependencies.some(isAbout);
}

/** A value is destroyed once every destination that is still declared was cleaned: nothing is left to remove. */
function isNothingLeft(_: OpenFinding, { versions }: SweptSecret): boolean {
  return !versions.some(({ state, value }) => !isLive(state) && value === 'sealed');
}

export const settlings: readonly Settling[] = [
  { code: 'undeclared-copy', isSettled: isDeadOrDeclared },
  { code: 'orphan-credential', isSettled: isDead },
  { code: 'straggler', isSettled: isDead },
  { code: 'confirmed-but-old-value-used', isSettled: isDeadOrCurrent },
  { code: 'compromise-unfinished', isSettled: isContained },
  { code: 'clean-failed', isSettled: isNothingLeft },
  { code: 'revoked-use', isSettled: isPast },
  { code: 'unknown-value', isSettled: isPast },
  {
    code: 'ended-elsewhere',
    isSettled: (finding, secret) => currentOf(secret) !== undefined && isPast(finding, secret),
  },
];
