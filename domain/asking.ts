/** Whom people were asked for what: readings of the facts, and the tasks that nobody needs any more, or that are still missing. */
import type { Change } from './change.js';
import type { DependencyFacts, Facts } from './facts.js';
import { currentVersion, hasMoved, versionOf } from './progress.js';
import type { TaskFacts, TaskKind } from './task.js';

function tasksOf({ tasks }: Facts, kind: TaskKind, dependencyId: string): TaskFacts[] {
  return tasks.filter((task) => task.kind === kind && task.dependencyId === dependencyId);
}

/** The last time that somebody was asked to type this version in there. */
export function lastAsked(
  facts: Facts,
  { dependencyId }: DependencyFacts,
  versionId: string,
): TaskFacts | undefined {
  return tasksOf(facts, 'enter', dependencyId)
    .filter((task) => task.versionId === versionId)
    .at(-1);
}

/** Nobody can have typed in what nobody was shown. */
export function wasShown(facts: Facts, dependencyId: string, versionId: string): boolean {
  return tasksOf(facts, 'enter', dependencyId).some(
    (task) => task.versionId === versionId && task.fetchedAt !== undefined,
  );
}

/** What the run asked and needs no more: open tasks close, and what was said is heard. */
export function done(tasks: readonly TaskFacts[], note: string): Change[] {
  return tasks.flatMap(({ taskId, state, heard }): Change[] => {
    if (state === 'open') return [{ change: 'task-closed', taskId, note }];
    return state === 'closed' || heard ? [] : [{ change: 'task-heard', taskId }];
  });
}

export function closedByPlan(
  { tasks, run }: Facts,
  plan: { readonly towards: string | undefined; readonly moving: ReadonlySet<string> },
): Change[] {
  const left = tasks
    .filter(({ runId }) => runId === run.runId)
    .filter((task) => task.versionId !== plan.towards || !plan.moving.has(task.dependencyId));
  return done(left, 'the plan needs it no more');
}

/** A dead value that a person has at its place, as far as is known: they are asked to remove it. */
export function removals(facts: Facts, dead: readonly string[]): Change[] {
  return facts.dependencies.flatMap((dependency) => {
    const { assignment, dependencyId } = dependency;
    if (assignment === undefined) return [];
    const asked = new Set(tasksOf(facts, 'remove', dependencyId).map((task) => task.versionId));
    const dueAt = new Date(facts.now.getTime() + assignment.dueWithinMs);
    return dead
      .filter((versionId) => !asked.has(versionId) && mayHold(facts, dependency, versionId))
      .map((versionId): Change => ({
        change: 'task-opened',
        kind: 'remove',
        dependencyId,
        versionId,
        urgent: false,
        dueAt,
      }));
  });
}

/** Whoever typed the next one over it has it no more, where the place has room for one. */
function mayHold(facts: Facts, dependency: DependencyFacts, versionId: string): boolean {
  const origin = versionOf(facts, versionId)?.origin;
  if (origin !== 'adopted' && !wasShown(facts, dependency.dependencyId, versionId)) return false;
  const current = currentVersion(facts);
  const replaced = current !== undefined && hasMoved(facts, dependency, current.versionId);
  return dependency.assignment?.holdsSeveral === true || !replaced;
}
