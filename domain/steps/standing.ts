/** What every step asks first: may it go on, and does the stored plan still fit? */
import { whyApproveAnew } from '../approval.js';
import type { Change, Decided } from '../change.js';
import type { Blocker, BlockerCode } from '../blocker.js';
import type { Facts } from '../facts.js';
import { planRun } from '../plan.js';
import { pendingDependencies, versionOf } from '../progress.js';
import type { Answer, DecisionKind } from '../run.js';

/** Whoever turns a run around wants it to go on. */
const goingOn: ReadonlySet<DecisionKind> = new Set(['resume', 'roll-back', 'abort']);

export function isPaused(facts: Facts): boolean {
  const last = facts.run.decisions
    .filter(({ kind }) => kind === 'pause' || goingOn.has(kind))
    .at(-1);
  return last?.kind === 'pause';
}

/** An answer where the step must not go on; undefined where it may. */
export function standingAnswer(facts: Facts): Answer | undefined {
  const turn = facts.run.decisions.find(({ read, kind }) => !read && kind !== 'pause');
  if (turn !== undefined) return { kind: 'replan', told: `${turn.kind}, decided by ${turn.by}` };
  if (!isPaused(facts)) return undefined;
  // A plan brings back what is disabled before anything else.
  if (facts.versions.some(({ state }) => state === 'disabled'))
    return { kind: 'replan', told: 'paused: what is disabled works again first' };
  return { kind: 'blocked', code: 'paused', told: 'paused' };
}

/** Before the gate: what is declared changed so that the stored plan is not the one to carry out. */
export function outdatedAnswer(facts: Facts): Answer | undefined {
  const approval = whyApproveAnew(facts);
  if (approval !== undefined) return { kind: 'replan', told: approval };
  return extraWaveAnswer(facts) ?? anotherVersionAnswer(facts);
}

/** A rotation ends whatever lives beside its successor, what was adopted meanwhile too. */
function anotherVersionAnswer(facts: Facts): Answer | undefined {
  const { kind, plan } = facts.run;
  if (kind !== 'rotate' || plan === undefined || plan.direction === 'back') return undefined;
  const isAdopted = (id: string): boolean => versionOf(facts, id)?.origin !== 'minted';
  const more = planRun(facts).ends.filter((id) => !plan.ends.includes(id) && isAdopted(id));
  return more.length === 0
    ? undefined
    : { kind: 'replan', told: 'a version was adopted meanwhile' };
}

/** Somebody was declared meanwhile, or has to move again: a wave more. */
function extraWaveAnswer(facts: Facts): Answer | undefined {
  const towards = facts.run.plan?.towards;
  if (towards === undefined) return undefined;
  const names = pendingDependencies(facts, towards).map(({ dependent }) => dependent);
  if (names.length === 0) return undefined;
  return { kind: 'replan', told: `another wave: ${names.join(', ')}` };
}

/** An answer, and its row: what people see of a run that waits. */
export function answered(answer: Answer, changes: readonly Change[] = []): Decided<Answer> {
  if (answer.kind === 'done' || answer.kind === 'replan') return { result: answer, changes };
  const until = answer.kind === 'wait' ? new Date(answer.until) : undefined;
  const code = answer.kind === 'blocked' ? answer.code : 'waiting';
  const waits: Change = { change: 'run-waits', code, told: answer.told, until };
  return { result: answer, changes: [...changes, waits] };
}

export interface AnswerOrder {
  readonly kind: 'answer';
  readonly answer: Answer;
}

/** Nothing is to be done at the issuer or a destination: the answer stands in the order's place. */
export function asOrder({ result, changes }: Decided<Answer>): Decided<AnswerOrder> {
  return { result: { kind: 'answer', answer: result }, changes };
}

function toldOf({ message, accept, acceptIf = 'If that may break' }: Blocker): string {
  return accept === undefined ? message : `${message}. ${acceptIf}: ${accept}`;
}

/** What only takes time says less than what is in the way. */
const takesTime: ReadonlySet<BlockerCode> = new Set(['quiet-period', 'overlap', 'outside-window']);

/** Waits where every blocker passes by itself, is blocked where one of them does not. */
export function answerTo(blockers: readonly Blocker[], done: string): Decided<Answer> {
  const [first] = blockers;
  if (first === undefined) return { result: { kind: 'done', told: done }, changes: [] };
  const stuck = blockers.find(({ until }) => until === undefined);
  if (stuck !== undefined) {
    return answered({ kind: 'blocked', code: stuck.code, told: toldOf(stuck) });
  }
  const until = new Date(Math.max(...blockers.map((b) => b.until?.getTime() ?? 0)));
  const told = blockers.map(toldOf).join('; ');
  const answer: Answer = { kind: 'wait', until: until.toISOString(), told };
  const { code } = blockers.find((blocker) => !takesTime.has(blocker.code)) ?? first;
  const waits: Change = { change: 'run-waits', code, told, until };
  return { result: answer, changes: [waits] };
}
