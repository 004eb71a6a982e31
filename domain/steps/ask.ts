/** Moving a dependent that only a person can write to: they are asked, waited for, and believed as far as the least evidence goes. */
import { attribute } from '../attribution.js';
import { done, lastAsked } from '../asking.js';
import type { Change, Decided } from '../change.js';
import type { DependencyFacts, Facts, VersionFacts } from '../facts.js';
import { fullName } from '../plan.js';
import { isAskedAgain } from '../progress.js';
import type { Answer } from '../run.js';
import { taskTold, type TaskFacts } from '../task.js';
import { leaseOf, takeLease } from './lease.js';
import { notProven, prove } from './prove.js';
import { answered } from './standing.js';

/** One task for each run, dependency and version; whoever declined is asked again on `retry`. */
export function askPerson(
  facts: Facts,
  dependency: DependencyFacts,
  version: VersionFacts,
): Decided<Answer> {
  const task = lastAsked(facts, dependency, version.versionId);
  const decided =
    task === undefined || !isStanding(facts, task)
      ? ask(facts, dependency, version)
      : answerOf(facts, { dependency, version, task });
  // What they said is taken into account: the keeper need not tell the run again.
  const said = task === undefined || task.state === 'open' ? [] : [task];
  return { ...decided, changes: [...decided.changes, ...done(said, '')] };
}

function answerOf(facts: Facts, { dependency, version, task }: Answered): Decided<Answer> {
  if (task.state === 'confirmed' || isSeenSince(facts, dependency, task))
    return believe(facts, { dependency, version, task });
  const who = toldOf(facts, dependency, version);
  if (task.state === 'declined') {
    const told = `${task.settledBy ?? ''} declined: ${task.note ?? ''} (asked for: ${who})`;
    return answered({ kind: 'blocked', code: 'task-declined', told });
  }
  return waitForPerson(facts, task, who);
}

function waitForPerson(facts: Facts, { dueAt }: TaskFacts, who: string): Decided<Answer> {
  const until = dueAt.toISOString();
  if (dueAt > facts.now) {
    const told = `waiting until ${until}: ${who}`;
    return answered({ kind: 'wait', until, told });
  }
  const told = `due since ${until}: ${who}`;
  return answered({ kind: 'blocked', code: 'task-overdue', told });
}

function toldOf(
  facts: Facts,
  { dependent, assignment, identity: place }: DependencyFacts,
  { ordinal }: VersionFacts,
): string {
  const assignee = assignment?.assignee ?? dependent;
  return taskTold({
    kind: 'enter',
    assignee,
    ordinal,
    secret: fullName(facts),
    dependent,
    place,
  });
}

/** Said for this run, or still true of the place; nobody has asked for another try since. */
function isStanding(facts: Facts, task: TaskFacts): boolean {
  if (task.state === 'closed') return false;
  const own = task.runId === facts.run.runId;
  if (task.state === 'open') return own;
  const dependency = facts.dependencies.find((one) => one.dependencyId === task.dependencyId);
  const lease = leaseOf(facts, dependency?.destinationId ?? '');
  return (own || lease?.versionId === task.versionId) && !isAskedAgain(facts, task);
}

/** They did it and did not say so. What was seen before they were asked is no answer. */
function isSeenSince(facts: Facts, dependency: DependencyFacts, task: TaskFacts): boolean {
  const since = task.openedAt.getTime() + (facts.record?.skewMs ?? 0);
  return facts.uses.some(
    (use) =>
      use.versionId === task.versionId &&
      use.outcome === 'accepted' &&
      use.lastAt.getTime() > since &&
      attribute(use.source, facts.dependencies) === dependency,
  );
}

function ask(facts: Facts, dependency: DependencyFacts, version: VersionFacts): Decided<Answer> {
  const dueAt = new Date(facts.now.getTime() + (dependency.assignment?.dueWithinMs ?? 0));
  const opened: Change = {
    change: 'task-opened',
    kind: 'enter',
    dependencyId: dependency.dependencyId,
    versionId: version.versionId,
    urgent: facts.run.kind === 'compromise',
    dueAt,
  };
  const until = dueAt.toISOString();
  const told = `waiting until ${until}: ${toldOf(facts, dependency, version)}`;
  return answered({ kind: 'wait', until, told }, [opened]);
}

/** From here on the place may hold it: whatever it held before is no longer what was written last. */
export function handedOver(
  facts: Facts,
  { dependencyId, destinationId }: DependencyFacts,
  versionId: string,
): { readonly generation: number; readonly changes: readonly Change[] } {
  const lease = leaseOf(facts, destinationId);
  if (lease?.versionId === versionId) return { generation: lease.generation, changes: [] };
  const taken = takeLease(facts, destinationId, versionId);
  const { generation } = taken;
  return {
    generation,
    changes: [
      taken,
      // Nobody waits for a person's deadline: their task says how long they have.
      { change: 'lease-released', destinationId, generation },
      {
        change: 'delivery',
        dependencyId,
        versionId,
        generation,
        delivered: false,
        moved: false,
      },
    ],
  };
}

interface Answered {
  readonly dependency: DependencyFacts;
  readonly version: VersionFacts;
  readonly task: TaskFacts;
}

function believe(facts: Facts, { dependency, version, task }: Answered): Decided<Answer> {
  const handed = handedOver(facts, dependency, version.versionId);
  const { generation } = handed;
  const proven = prove(facts, { dependency, version, generation }, 'human');
  const changes = [...handed.changes, ...proven.changes];
  const after = proven.result;
  if (after.kind === 'moved') {
    const done: Answer = { kind: 'done', told: after.told };
    return answered(done, [...changes, ...settledTasks(facts, dependency.dependencyId)]);
  }
  if (after.kind === 'overtaken' || after.kind === 'failed')
    return answered({ kind: 'replan', told: 'the plan changed' });
  const until = after.kind === 'contested' ? after.until : patienceAfter(facts, dependency, task);
  if (until > facts.now)
    return answered({ kind: 'wait', until: until.toISOString(), told: after.told }, changes);
  const given = notProven(facts, dependency.dependencyId);
  return { result: given.result, changes: [...changes, ...given.changes] };
}

/** Counted from their word on: whoever was asked again is waited for again. */
function patienceAfter(
  { now, policy }: Facts,
  { picksUpWithinMs }: DependencyFacts,
  { settledAt }: TaskFacts,
): Date {
  return new Date((settledAt ?? now).getTime() + picksUpWithinMs + policy.timeouts.proveMs);
}

/** Whoever moved, is gone, or is given nothing, has nothing to do any more. */
export function settledTasks({ tasks, run }: Facts, dependencyId: string): Change[] {
  const own = tasks.filter(
    (task) => task.dependencyId === dependencyId && task.runId === run.runId,
  );
  return done(own, 'it need not be done any more');
}
