/** Whether a link shows its value, judged at the moment when somebody opens it. */
import type { Facts } from './facts.js';
import { versionOf } from './progress.js';
import type { TaskFacts } from './task.js';
import { isUsable } from './version.js';

export const linkRefusals = {
  'task-settled': 'nobody has to do this any more',
  'version-over': 'the value is no longer in use',
  'not-theirs': 'this place is given no value now',
  replaced: 'there is a newer link',
  'opened-before': 'it was opened before',
  expired: 'its time is over',
} as const;
export type LinkRefusal = keyof typeof linkRefusals;

/** Undefined: it may be shown. */
export function whyNotShown(
  facts: Facts,
  task: TaskFacts,
  linkId: string,
): LinkRefusal | undefined {
  const { link } = task;
  if (link?.linkId !== linkId) return 'replaced';
  if (link.openedAt !== undefined) return 'opened-before';
  return whyNothingToShow(facts, task) ?? (link.expiresAt <= facts.now ? 'expired' : undefined);
}

/** Whatever link there is. */
export function whyNothingToShow(facts: Facts, task: TaskFacts): LinkRefusal | undefined {
  if (task.state !== 'open' || task.kind !== 'enter') return 'task-settled';
  const version = versionOf(facts, task.versionId);
  if (version === undefined || !isUsable(version.state)) return 'version-over';
  const dependency = facts.dependencies.find((one) => one.dependencyId === task.dependencyId);
  const isBack = facts.run.plan?.direction === 'back';
  if (dependency === undefined || (dependency.withheld !== undefined && !isBack))
    return 'not-theirs';
  return undefined;
}
