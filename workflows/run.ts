/** What the steps of a run share: its activities, its waiting, and the checklist that Temporal's UI shows. */
import {
  ActivityCancellationType,
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { Activities } from '../activities/index.js';
import {
  factsChangedSignal,
  searchAttributes,
  type Answer,
  type FactsChanged,
  type RunInput,
  type StepName,
  type StoredPlan,
} from '../domain/run.js';

/** No total limit: a run waits for people; what must not last is bounded inside the activity. */
export const acts = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  // A killed worker is noticed after this: every activity beats twice a second.
  heartbeatTimeout: '3 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '100 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '10 seconds',
  },
});

const stepAttribute = defineSearchAttributeKey(searchAttributes.step, 'KEYWORD');
const outcomeAttribute = defineSearchAttributeKey(searchAttributes.outcome, 'KEYWORD');

export interface Run {
  readonly input: RunInput;
  readonly progress: Progress;
}

interface Progress {
  /** Counts signals, so that one that comes while an activity runs is not lost. */
  changes: number;
  replanning: boolean;
  readonly told: Map<string, string>;
  plan: StoredPlan | undefined;
  step: StepName | undefined;
}

export function beginRun(input: RunInput): Run {
  const progress: Progress = {
    changes: 0,
    replanning: false,
    told: new Map(),
    plan: undefined,
    step: undefined,
  };
  setHandler(defineSignal<[FactsChanged]>(factsChangedSignal), () => {
    progress.changes += 1;
  });
  return { input, progress };
}

/** Repeats an activity until it is done: sleeping until it could be, or until facts change. */
export async function perform(run: Run, name: string, act: () => Promise<Answer>): Promise<Answer> {
  const { progress } = run;
  for (;;) {
    const seen = progress.changes;
    const answer = await act();
    tell(progress, name, answer);
    if (answer.kind === 'done' || answer.kind === 'replan') return answer;
    await waitForChange(progress, seen, answer);
    if (progress.replanning) return { kind: 'replan', told: 'the plan changed' };
    await beginAnew(run);
  }
}

/** The facts are in the database: a fresh history, once this one is long, loses nothing. */
export async function beginAnew({ input }: Run): Promise<void> {
  if (workflowInfo().continueAsNewSuggested) await continueAsNew(input);
}

async function waitForChange(progress: Progress, seen: number, answer: Answer): Promise<void> {
  const changed = (): boolean => progress.changes > seen || progress.replanning;
  if (answer.kind !== 'wait') return condition(changed);
  const ms = Math.max(1, new Date(answer.until).getTime() - Date.now());
  await condition(changed, ms);
}

export function enterPlan({ progress }: Run, plan: StoredPlan): void {
  progress.plan = plan;
  progress.replanning = false;
  progress.step = undefined;
}

export function enterStep({ progress }: Run, step: StepName): void {
  progress.step = step;
  upsertSearchAttributes([{ key: stepAttribute, value: step }]);
  show(progress);
}

export function endRun({ progress }: Run, outcome: string): void {
  progress.step = undefined;
  upsertSearchAttributes([{ key: outcomeAttribute, value: outcome }]);
  setCurrentDetails(checklist(progress, true));
}

function tell(progress: Progress, name: string, answer: Answer): void {
  const prefix = answer.kind === 'blocked' ? `**blocked** (${answer.code}): ` : '';
  const until = answer.kind === 'wait' ? ` (until ${answer.until})` : '';
  progress.told.set(name, `${prefix}${answer.told}${until}`.slice(0, 300));
  show(progress);
}

function show(progress: Progress): void {
  setCurrentDetails(checklist(progress, false));
}

function checklist({ plan, step, told }: Progress, over: boolean): string {
  if (plan === undefined) return '';
  const at = step === undefined ? plan.steps.length : plan.steps.indexOf(step);
  const lines = plan.steps.map((name, index) => {
    const mark = over || index < at ? 'x' : ' ';
    const notes = [...told].filter(([key]) => key === name || key.startsWith(`${name} `));
    const detail = notes.map(([, text]) => `  - ${text}`).slice(-20);
    return [`- [${mark}] ${name}`, ...detail].join('\n');
  });
  return [`### ${plan.title}`, `plan revision ${plan.revision}`, '', ...lines].join('\n');
}
